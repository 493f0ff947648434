package io.github.distillcuda.cuda.kernels;

/**
 * Byte offsets in the state of a step on the device, {@code struct StepState} of {@code
 * kernels/state.cuh}, little endian. {@code backend.StepProgress} says what the numbers mean; those
 * it lacks are described there.
 */
public final class StateLayout {
  /** int64. */
  public static final int OPTIMIZER_STEP = 0;

  /** int64, sticky. */
  public static final int FIRST_NON_FINITE_STEP = 8;

  /** float64. */
  public static final int DISTILLATION_SUM = 16;

  /** float64. */
  public static final int CROSS_ENTROPY_SUM = 24;

  /** float64. */
  public static final int LOSS_SUM = 32;

  /** int64. */
  public static final int LABELLED_ROWS = 40;

  /** int64. */
  public static final int CORRECT = 48;

  /** int32. */
  public static final int CURSOR = 56;

  /** int32: labelled rows of the present batch, what the gather counts and the loss divides by. */
  public static final int BATCH_LABELLED_ROWS = 60;

  /** int32: rows so far with a label that is no class and not -100. Not 0 is an error. */
  public static final int BAD_LABELS = 64;

  /** Bytes of the whole state. */
  public static final int BYTES = 72;

  private StateLayout() {}
}
