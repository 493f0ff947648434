package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.RowOutcome;
import io.github.distillcuda.cuda.kernels.StateLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The state of a step as Java numbers, and what batches make of it. */
final class StepStateModel {
  long optimizerStep;
  long firstNonFiniteStep;
  double distillationSum;
  double crossEntropySum;
  double lossSum;
  long labelledRows;
  long correct;
  int cursor;
  int batchLabelledRows;
  int badLabels;

  private StepStateModel() {}

  /** Numbers that are all different and none of them 0, where that is allowed. */
  static StepStateModel inTheMiddleOfAnEpoch() {
    StepStateModel state = new StepStateModel();
    state.optimizerStep = 41;
    state.distillationSum = 12.25;
    state.crossEntropySum = 300.5;
    state.lossSum = 98.75;
    state.labelledRows = 1000;
    state.correct = 321;
    state.cursor = 3;
    state.batchLabelledRows = 7;
    state.badLabels = 2;
    return state;
  }

  static StepStateModel atStep(long optimizerStep) {
    StepStateModel state = inTheMiddleOfAnEpoch();
    state.optimizerStep = optimizerStep;
    return state;
  }

  /** Adds a batch, given its sums and the outcomes of its rows. */
  void add(double distillation, double crossEntropy, int[] outcomes, float alpha) {
    int labelled = 0;
    boolean notFinite = false;
    for (int outcome : outcomes) {
      labelled += (outcome & RowOutcome.LABELLED) != 0 ? 1 : 0;
      correct += (outcome & RowOutcome.CORRECT) != 0 ? 1 : 0;
      badLabels += (outcome & RowOutcome.BAD_LABEL) != 0 ? 1 : 0;
      notFinite |= (outcome & RowOutcome.NOT_FINITE) != 0;
    }
    double meanCrossEntropy = labelled > 0 ? crossEntropy / labelled : 0;
    double loss = alpha * distillation + (1.0 - alpha) * outcomes.length * meanCrossEntropy;
    distillationSum += distillation;
    crossEntropySum += crossEntropy;
    lossSum += loss;
    labelledRows += labelled;
    if (notFinite || !Double.isFinite(loss)) {
      markNotFinite();
    }
  }

  /** The present step met something that is not finite; the first such step stays. */
  void markNotFinite() {
    firstNonFiniteStep = firstNonFiniteStep == 0 ? optimizerStep + 1 : firstNonFiniteStep;
  }

  byte[] toBytes() {
    ByteBuffer bytes = ByteBuffer.allocate(StateLayout.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(StateLayout.OPTIMIZER_STEP, optimizerStep);
    bytes.putLong(StateLayout.FIRST_NON_FINITE_STEP, firstNonFiniteStep);
    bytes.putDouble(StateLayout.DISTILLATION_SUM, distillationSum);
    bytes.putDouble(StateLayout.CROSS_ENTROPY_SUM, crossEntropySum);
    bytes.putDouble(StateLayout.LOSS_SUM, lossSum);
    bytes.putLong(StateLayout.LABELLED_ROWS, labelledRows);
    bytes.putLong(StateLayout.CORRECT, correct);
    bytes.putInt(StateLayout.CURSOR, cursor);
    bytes.putInt(StateLayout.BATCH_LABELLED_ROWS, batchLabelledRows);
    bytes.putInt(StateLayout.BAD_LABELS, badLabels);
    return bytes.array();
  }

  /** This state: counts to the bit, sums within a relative error. */
  Expected expected(double relative) {
    return new Expected.State(toBytes(), relative);
  }
}
