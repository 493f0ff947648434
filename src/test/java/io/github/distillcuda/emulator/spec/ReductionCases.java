package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.ReductionKernels;
import io.github.distillcuda.cuda.kernels.RowOutcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** Sums and counts of the epoch, the finite check, the cursor and the table of logits. */
final class ReductionCases {
  private static final int[] ROWS = {1, 2, 63, 64, 65, 255, 256, 257, 1000};
  private static final float ALPHA = 0.7f;

  private final List<KernelCase> cases = new ArrayList<>();

  private ReductionCases() {}

  static List<KernelCase> all() {
    ReductionCases step = new ReductionCases();
    for (int rows : ROWS) {
      step.addCountLabelled(rows);
      step.addRowSums(rows, 0);
      step.addRowSums(rows, RowOutcome.NOT_FINITE);
      step.addBatchMeans(rows);
      step.addStoreLogits(rows, 10);
    }
    step.addStoreLogits(3, 1);
    step.addStoreLogits(3, 33);
    step.addStoreLogits(3, 1000);
    for (int rows : new int[] {700, 1025, 1500, 1792, 2048, 2049, 6145}) { // of a block, and four
      step.addCountLabelled(rows);
    }
    for (int rows : new int[] {1025, 1792}) { // loops of five and of seven rounds
      step.addRowSums(rows, 0);
      step.addBatchMeans(rows);
    }
    step.addUnlabelled();
    step.addInfiniteLoss();
    for (int n : new int[] {4, 64, 1024, 1028, 4000}) {
      step.addFiniteChecks(n);
    }
    for (int optimizerSteps : new int[] {0, 1}) {
      step.addAdvance(optimizerSteps, 0);
      step.addAdvance(optimizerSteps, 5);
    }
    return step.cases;
  }

  static Stream<KernelCase> counted() {
    ReductionCases step = new ReductionCases();
    step.addCountLabelled(4096); // of fewer than a block counts it leaves the progress alone
    step.addRowSums(64, 0);
    int[] finite =
        new Random(64).ints(64, 0, 16).map(bits -> bits & ~RowOutcome.NOT_FINITE).toArray();
    step.addBatchMeans("all finite", finite, 0.37f, 1.9f);
    step.addStoreLogits(64, 10);
    step.addFiniteCheck(65_536, "all finite", -1, -1, 0, 0);
    step.addAdvance(1, 0);
    return step.cases.stream();
  }

  private void addCountLabelled(int rows) {
    int classes = 10;
    int[] labels = new Random(rows).ints(rows, -3, classes + 3).toArray();
    labels[0] = LossBatch.NO_LABEL;
    labels[rows - 1] = rows % classes;
    int labelled = 0;
    for (int label : labels) {
      labelled += label >= 0 && label < classes ? 1 : 0;
    }
    cases.add(
        new KernelCase(
                ReductionKernels.COUNT_LABELLED,
                KernelSizes.of("rows", rows, "classes", classes),
                "")
            .in("labels", labels)
            .in("progress", new byte[Long.BYTES])
            .out("labelledRows", Expected.ints(labelled))
            .out("progress", Expected.bytes(new byte[Long.BYTES])));
  }

  /**
   * The sums in float64, in whatever order.
   *
   * @param lastOutcome bits that the last row has besides
   */
  private void addRowSums(int rows, int lastOutcome) {
    Random random = new Random(rows);
    float[] distillation = new float[rows];
    float[] crossEntropy = new float[rows];
    int[] outcomes = random.ints(rows, 0, 4).toArray(); // labelled and correct, in all mixtures
    outcomes[rows / 2] |= RowOutcome.BAD_LABEL;
    outcomes[rows - 1] |= lastOutcome;
    StepStateModel state = StepStateModel.inTheMiddleOfAnEpoch();
    byte[] before = state.toBytes();
    double distillationSum = 0;
    double crossEntropySum = 0;
    for (int row = 0; row < rows; row++) {
      distillation[row] = random.nextFloat();
      crossEntropy[row] = 3 * random.nextFloat();
      distillationSum += distillation[row];
      crossEntropySum += crossEntropy[row];
    }
    state.add(distillationSum, crossEntropySum, outcomes, ALPHA);
    cases.add(
        new KernelCase(
                ReductionKernels.ROW_SUMS,
                KernelSizes.of("rows", rows),
                lastOutcome == 0 ? "" : "not finite")
            .in("distillation", distillation)
            .in("crossEntropy", crossEntropy)
            .in("outcome", outcomes)
            .in("state", before)
            .value("alpha", ALPHA)
            .out("state", state.expected(1e-12)));
  }

  /** A batch without a label has no cross-entropy to divide by anything. */
  private void addUnlabelled() {
    int[] outcomes = new int[65];
    StepStateModel state = StepStateModel.inTheMiddleOfAnEpoch();
    byte[] before = state.toBytes();
    state.add(outcomes.length * 0.5, 0, outcomes, ALPHA);
    cases.add(
        new KernelCase(
                ReductionKernels.ROW_SUMS, KernelSizes.of("rows", outcomes.length), "no label")
            .in("distillation", ChainElementCases.constant(outcomes.length, 0.5f))
            .in("crossEntropy", new float[outcomes.length])
            .in("outcome", outcomes)
            .in("state", before)
            .value("alpha", ALPHA)
            .out("state", state.expected(1e-12)));
    addBatchMeans("no label", outcomes, 0.5f, 0);
  }

  /** Finite logits can give an infinite loss, and that stops the training too. */
  private void addInfiniteLoss() {
    StepStateModel state = StepStateModel.inTheMiddleOfAnEpoch();
    byte[] before = state.toBytes();
    int[] outcomes = {RowOutcome.LABELLED, RowOutcome.LABELLED};
    addBatchMeans("infinite loss", outcomes, 0.5f, Float.POSITIVE_INFINITY);
    addBatchMeans("NaN", new int[] {RowOutcome.NOT_FINITE}, Float.NaN, 0);
    addBatchMeans("finite but for a logit", new int[] {RowOutcome.NOT_FINITE}, 0.5f, 0);
    state.add(1, Double.POSITIVE_INFINITY, outcomes, ALPHA);
    cases.add(
        new KernelCase(ReductionKernels.ROW_SUMS, KernelSizes.of("rows", 2), "infinite loss")
            .in("distillation", 0.5f, 0.5f)
            .in("crossEntropy", 1, Float.POSITIVE_INFINITY)
            .in("outcome", outcomes)
            .in("state", before)
            .value("alpha", ALPHA)
            .out("state", state.expected(1e-12)));
  }

  private void addBatchMeans(int rows) {
    int[] outcomes = new Random(rows).ints(rows, 0, 4).toArray();
    outcomes[rows / 2] |= RowOutcome.BAD_LABEL;
    addBatchMeans("", outcomes, 0.37f, 1.9f);
  }

  private void addBatchMeans(
      String description, int[] outcomes, float distillationMean, float crossEntropyMean) {
    int labelled = 0;
    for (int outcome : outcomes) {
      labelled += outcome & RowOutcome.LABELLED;
    }
    StepStateModel state = StepStateModel.inTheMiddleOfAnEpoch();
    byte[] before = state.toBytes();
    state.add(
        (double) distillationMean * outcomes.length,
        (double) crossEntropyMean * labelled,
        outcomes,
        ALPHA);
    cases.add(
        new KernelCase(
                ReductionKernels.BATCH_MEANS, KernelSizes.of("rows", outcomes.length), description)
            .in("distillationMean", distillationMean)
            .in("crossEntropyMean", crossEntropyMean)
            .in("outcome", outcomes)
            .in("state", before)
            .value("alpha", ALPHA)
            .out("state", state.expected(1e-12)));
  }

  private void addFiniteChecks(int n) {
    float[] bad = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
    addFiniteCheck(n, "all finite", -1, -1, 0, 0);
    addFiniteCheck(n, "in the first", 0, -1, bad[0], 0);
    addFiniteCheck(n, "in the second", -1, n - 1, bad[1], 0);
    addFiniteCheck(n, "in both", n / 2, n / 3, bad[2], 0);
    addFiniteCheck(n, "not the first time", n - 1, -1, bad[0], 3);
  }

  /**
   * One check.
   *
   * @param inA where the first array has the bad number; negative for nowhere
   * @param alreadyMarked the step that was marked before; 0 for none
   */
  private void addFiniteCheck(
      int n, String description, int inA, int inB, float bad, long alreadyMarked) {
    float[] a = ChainElementCases.constant(n, 3e38f); // products with 0 stay 0, sums would overflow
    float[] b = ChainElementCases.constant(n, -1e-40f);
    if (inA >= 0) {
      a[inA] = bad;
    }
    if (inB >= 0) {
      b[inB] = bad;
    }
    StepStateModel state = StepStateModel.inTheMiddleOfAnEpoch();
    state.firstNonFiniteStep = alreadyMarked;
    byte[] before = state.toBytes();
    if (inA >= 0 || inB >= 0) {
      state.markNotFinite();
    }
    cases.add(
        new KernelCase(ReductionKernels.FINITE_CHECK, KernelSizes.of("n", n), description)
            .in("a", a)
            .in("b", b)
            .in("state", before)
            .out("state", state.expected(0)));
  }

  private void addAdvance(int optimizerSteps, long marked) {
    StepStateModel state = StepStateModel.inTheMiddleOfAnEpoch();
    state.firstNonFiniteStep = marked;
    byte[] before = state.toBytes();
    state.cursor += 16;
    state.optimizerStep += marked == 0 ? optimizerSteps : 0;
    cases.add(
        new KernelCase(
                ReductionKernels.ADVANCE,
                KernelSizes.of("rows", 16, "optimizerSteps", optimizerSteps),
                marked == 0 ? "" : "after a step that was not finite")
            .in("state", before)
            .out("state", state.expected(0)));
  }

  /** Rows go to their places; the rest of the table stays as it was. */
  private void addStoreLogits(int rows, int classes) {
    int tableRows = rows + 5;
    float[] logits = new float[rows * classes];
    float[] table = ChainElementCases.constant(tableRows * classes, -1);
    float[] after = table.clone();
    int[] ids = new int[rows];
    for (int row = 0; row < rows; row++) {
      ids[row] = tableRows - 1 - row;
      for (int c = 0; c < classes; c++) {
        logits[row * classes + c] = row + 0.01f * c;
        after[ids[row] * classes + c] = logits[row * classes + c];
      }
    }
    cases.add(
        new KernelCase(
                ReductionKernels.STORE_LOGITS, KernelSizes.of("rows", rows, "classes", classes), "")
            .in("logits", logits)
            .in("ids", ids)
            .in("table", table)
            .out("table", Expected.floats(after)));
  }
}
