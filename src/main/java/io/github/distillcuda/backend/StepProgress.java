package io.github.distillcuda.backend;

/**
 * The numbers of a {@link StepState}, read at one moment.
 *
 * @param cursor images of this epoch that are done
 * @param optimizerStep optimizer steps since the training began
 * @param distillationSum sum over the rows of this epoch of T^2*KL, unweighted by alpha
 * @param crossEntropySum sum over the labelled rows of this epoch of the cross-entropy
 * @param labelledRows rows of this epoch whose label is not -100
 * @param correct labelled rows of this epoch whose largest logit is at the label
 * @param lossSum sum over the steps of this epoch of their loss times their rows
 * @param firstNonFiniteStep the first step, counted from 1 as {@code optimizerStep}, at which
 *     logits, gradients or parameters were not finite; 0 if none was
 */
public record StepProgress(
    int cursor,
    long optimizerStep,
    double distillationSum,
    double crossEntropySum,
    long labelledRows,
    long correct,
    double lossSum,
    long firstNonFiniteStep) {
  /** The state before the first step. */
  public static final StepProgress START = at(0, 0);

  /** Returns the state before an image of an epoch, of which nothing is summed. */
  public static StepProgress at(int cursor, long optimizerStep) {
    return new StepProgress(cursor, optimizerStep, 0, 0, 0, 0, 0, 0);
  }
}
