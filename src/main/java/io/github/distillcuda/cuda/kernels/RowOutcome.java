package io.github.distillcuda.cuda.kernels;

/** Bits of what a loss kernel says of a row, as in {@code kernels/state.cuh}. */
public final class RowOutcome {
  /** The label is a class. */
  public static final int LABELLED = 1;

  /** The first largest logit is at the label. */
  public static final int CORRECT = 2;

  /** A logit that was read is NaN or infinite. */
  public static final int NOT_FINITE = 4;

  /** The label is neither a class nor -100; the row counts as unlabelled. */
  public static final int BAD_LABEL = 8;

  private RowOutcome() {}
}
