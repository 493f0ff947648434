package io.github.distillcuda.backend;

/**
 * Everything that changes from step to step of one program, in device memory, so that one recorded
 * step serves every step: the order of the epoch, the position in it, the optimizer's step, the
 * epoch's sums, and the number of the first step that met a NaN or an infinity.
 *
 * <p>That number is sticky: from that step on the optimizer writes nothing.
 */
public interface StepState {
  /**
   * Starts an epoch at its first image: copies the order to the device and clears the sums.
   *
   * @param order image ids, one an image of the epoch
   */
  void beginEpoch(int[] order);

  /** Returns the numbers as they are now; waits for the device. */
  StepProgress read();

  /** Overwrites the numbers, as a resumed run does after {@link #beginEpoch}. */
  void restore(StepProgress progress);
}
