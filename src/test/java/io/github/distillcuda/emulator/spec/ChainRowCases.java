package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.DistillationLossUnfusedKernels;
import io.github.distillcuda.cuda.kernels.DistillationLossUnfusedWideKernels;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The kernels of the unfused chains that work row by row. */
final class ChainRowCases {
  private static final float TEMPERATURE = 5;
  private static final float ALPHA = 0.7f;

  private static final ElementType[] TYPES = {ElementType.FLOAT32, ElementType.BFLOAT16};

  private final List<KernelCase> cases = new ArrayList<>();

  private ChainRowCases() {}

  static List<KernelCase> ofRanges() {
    ChainRowCases chain = new ChainRowCases();
    DistillationLossUnfusedKernels.KL_FORWARD.forEach(
        kernel -> chain.addAll(kernel, chain::klForward));
    DistillationLossUnfusedKernels.CROSS_ENTROPY_FORWARD.forEach(
        kernel -> chain.addAll(kernel, chain::crossEntropyForward));
    DistillationLossUnfusedKernels.ROW_OUTCOME.forEach(
        kernel -> chain.addAll(kernel, chain::rowOutcome));
    KernelSignature backward = DistillationLossUnfusedKernels.CROSS_ENTROPY_BACKWARD;
    for (int classes : Shapes.classesOf(backward)) {
      for (int rows : Shapes.ROWS) {
        chain.cases.add(
            chain.crossEntropyBackward(backward, LossBatch.random(rows, classes, rows)));
      }
    }
    for (LossBatch batch :
        List.of(LossBatch.adversarial(10), LossBatch.notFinite(10), LossBatch.unlabelled(65, 10))) {
      chain.cases.add(chain.crossEntropyBackward(backward, batch));
    }
    return chain.cases;
  }

  static List<KernelCase> ofAnyLength() {
    ChainRowCases chain = new ChainRowCases();
    for (ElementType type : TYPES) {
      chain.addWide(DistillationLossUnfusedWideKernels.klForward(type), chain::klForward);
      chain.addWide(
          DistillationLossUnfusedWideKernels.crossEntropyForward(type), chain::crossEntropyForward);
      chain.addWide(DistillationLossUnfusedWideKernels.rowOutcome(type), chain::rowOutcome);
    }
    chain.addWide(
        DistillationLossUnfusedWideKernels.CROSS_ENTROPY_BACKWARD, chain::crossEntropyBackward);
    return chain.cases;
  }

  static Stream<LargeCase> ofManyRows() {
    ChainRowCases chain = new ChainRowCases();
    return Stream.of(
            LargeCase.ofEach(DistillationLossUnfusedKernels.KL_FORWARD, chain::klForward),
            LargeCase.ofEach(
                DistillationLossUnfusedKernels.CROSS_ENTROPY_FORWARD, chain::crossEntropyForward),
            LargeCase.ofEach(DistillationLossUnfusedKernels.ROW_OUTCOME, chain::rowOutcome),
            LargeCase.ofEach(
                List.of(DistillationLossUnfusedKernels.CROSS_ENTROPY_BACKWARD),
                chain::crossEntropyBackward))
        .flatMap(cases -> cases);
  }

  static Stream<KernelCase> countedOfRanges() {
    ChainRowCases chain = new ChainRowCases();
    return Stream.of(
            counted(DistillationLossUnfusedKernels.KL_FORWARD, chain::klForward),
            counted(
                DistillationLossUnfusedKernels.CROSS_ENTROPY_FORWARD, chain::crossEntropyForward),
            counted(DistillationLossUnfusedKernels.ROW_OUTCOME, chain::rowOutcome),
            counted(
                List.of(DistillationLossUnfusedKernels.CROSS_ENTROPY_BACKWARD),
                chain::crossEntropyBackward))
        .flatMap(cases -> cases);
  }

  static Stream<KernelCase> countedOfAnyLength() {
    ChainRowCases chain = new ChainRowCases();
    Stream<KernelCase> forward =
        Stream.of(TYPES)
            .flatMap(
                type ->
                    Stream.of(
                        chain.counted(
                            DistillationLossUnfusedWideKernels.klForward(type), chain::klForward),
                        chain.counted(
                            DistillationLossUnfusedWideKernels.crossEntropyForward(type),
                            chain::crossEntropyForward),
                        chain.counted(
                            DistillationLossUnfusedWideKernels.rowOutcome(type),
                            chain::rowOutcome)));
    return Stream.concat(
        forward,
        Stream.of(
            chain.counted(
                DistillationLossUnfusedWideKernels.CROSS_ENTROPY_BACKWARD,
                chain::crossEntropyBackward)));
  }

  private KernelCase counted(KernelSignature wide, CaseMaker maker) {
    return maker.of(wide, DistillationLossWideCases.random(typeOf(wide), 2, 2000, 2000));
  }

  private static Stream<KernelCase> counted(List<KernelSignature> kernels, CaseMaker maker) {
    return kernels.stream()
        .flatMap(kernel -> Shapes.countedBatches(kernel).map(batch -> maker.of(kernel, batch)));
  }

  private interface CaseMaker {
    KernelCase of(KernelSignature kernel, LossBatch batch);
  }

  private void addAll(KernelSignature kernel, CaseMaker maker) {
    int[] classCounts = Shapes.classesOf(kernel);
    for (int classes : classCounts) {
      for (int rows : Shapes.ROWS) {
        cases.add(maker.of(kernel, LossBatch.random(rows, classes, rows)));
      }
    }
    int most = classCounts[classCounts.length - 1];
    for (int classes : new int[] {1, 2, 10, most}) {
      cases.add(maker.of(kernel, LossBatch.adversarial(classes)));
      cases.add(maker.of(kernel, LossBatch.notFinite(classes)));
    }
    for (int classes : Shapes.classesAroundGroups(kernel)) {
      cases.add(maker.of(kernel, LossBatch.random(3, classes, classes)));
    }
  }

  /** Rows of any length; adversaries, and rows that begin at any element. */
  private void addWide(KernelSignature kernel, CaseMaker maker) {
    ElementType type = typeOf(kernel);
    boolean anywhere = kernel != DistillationLossUnfusedWideKernels.CROSS_ENTROPY_BACKWARD;
    for (int classes : new int[] {1, 10, 1025, 4099}) {
      cases.add(maker.of(kernel, DistillationLossWideCases.random(type, 3, classes, classes)));
    }
    cases.add(maker.of(kernel, DistillationLossWideCases.random(type, 1, 20_003, 1)));
    cases.add(
        maker.of(
            kernel, DistillationLossWideCases.inType(type, LossBatch.badlyLabelled(5, 600, 1))));
    cases.add(
        maker.of(kernel, DistillationLossWideCases.inType(type, LossBatch.adversarial(1029))));
    cases.add(maker.of(kernel, DistillationLossWideCases.inType(type, LossBatch.notFinite(1029))));
    // The label is the prediction: in any place of a short row, in the last lane of a warp, in any
    // element of a vector of the second round, and last.
    cases.add(
        maker.of(kernel, DistillationLossWideCases.inType(type, LossBatch.neighboursTie(13))));
    for (int label : new int[] {DistillationLossWideCases.lastLane(type), 3205, 3334, 3335, 4096}) {
      LossBatch peaked = LossBatch.peaked(4097, label, label);
      cases.add(maker.of(kernel, DistillationLossWideCases.inType(type, peaked)));
    }
    if (anywhere) {
      // Four elements at the edges, of which the last is the prediction once.
      cases.add(
          maker
              .of(kernel, DistillationLossWideCases.inType(type, LossBatch.neighboursTie(12)))
              .shiftedBy(Integer.BYTES));
      cases.add(
          maker
              .of(kernel, DistillationLossWideCases.random(type, 4, 1027, 8))
              .shiftedBy("q", Integer.BYTES)
              .shiftedBy("logP", 2 * Integer.BYTES));
      cases.add(
          maker
              .of(kernel, DistillationLossWideCases.random(type, 3, 1027, 7))
              .shiftedBy(Integer.BYTES));
    }
  }

  private static ElementType typeOf(KernelSignature kernel) {
    return kernel.pointers().getFirst().element();
  }

  private static float inType(KernelSignature kernel, float value) {
    return typeOf(kernel) == ElementType.FLOAT32
        ? value
        : DistillationLossWideCases.rounded(new float[] {value})[0];
  }

  private static byte[] bytes(KernelSignature kernel, float[] values) {
    return DistillationLossWideCases.bytes(typeOf(kernel), values);
  }

  private static KernelCase caseOf(KernelSignature kernel, LossBatch batch) {
    KernelSizes sizes = KernelSizes.of("rows", batch.rows(), "classes", batch.classes());
    return new KernelCase(kernel, sizes, batch.description());
  }

  /**
   * The textbook sum from q and log p as they are given. Its terms cancel: the tolerance is 1e-6 of
   * their magnitudes.
   */
  private KernelCase klForward(KernelSignature kernel, LossBatch batch) {
    int classes = batch.classes();
    float[] q = new float[batch.v().length];
    float[] logP = new float[batch.z().length];
    double[] exact = new double[batch.rows()];
    double[] tolerance = new double[batch.rows()];
    for (int row = 0; row < batch.rows(); row++) {
      double[] teacher = LossRow.softmax(row(batch.v(), row, classes), TEMPERATURE);
      double[] student = LossRow.softmax(row(batch.z(), row, classes), TEMPERATURE);
      for (int c = 0; c < classes; c++) {
        int i = row * classes + c;
        q[i] = inType(kernel, (float) teacher[c]);
        logP[i] = inType(kernel, (float) Math.log(student[c]));
        double logQ = Math.log(q[i]);
        exact[row] += q[i] == 0 ? 0 : q[i] * (logQ - logP[i]);
        tolerance[row] += q[i] == 0 ? 0 : q[i] * (Math.abs(logQ) + Math.abs(logP[i]));
      }
      exact[row] *= TEMPERATURE * TEMPERATURE;
      tolerance[row] *= 1e-6 * TEMPERATURE * TEMPERATURE;
    }
    return caseOf(kernel, batch)
        .in("q", bytes(kernel, q))
        .in("logP", bytes(kernel, logP))
        .value("temperature", TEMPERATURE)
        .out("distillation", Expected.near(exact, tolerance));
  }

  private KernelCase crossEntropyForward(KernelSignature kernel, LossBatch batch) {
    int classes = batch.classes();
    double[] exact = new double[batch.rows()];
    double[] tolerance = new double[batch.rows()];
    double[] logSumExp = new double[batch.rows()];
    double[] logSumExpTolerance = new double[batch.rows()];
    for (int row = 0; row < batch.rows(); row++) {
      double[] z = row(batch.z(), row, classes);
      int label = batch.labels()[row];
      logSumExp[row] = logSumExp(z);
      // Half a unit in the last place of the sum's parts; then the difference to the label's logit.
      logSumExpTolerance[row] = 1e-6 + Math.abs(logSumExp[row]) * 0x1p-23;
      LossRow exactRow = new LossRow(batch.z(), batch.z(), row, classes, 1);
      exact[row] = exactRow.crossEntropy(label);
      tolerance[row] =
          exactRow.isClass(label)
              ? logSumExpTolerance[row] + exactRow.crossEntropyTolerance(label)
              : 0;
    }
    return caseOf(kernel, batch)
        .in("z", bytes(kernel, batch.z()))
        .in("labels", batch.labels())
        .out("crossEntropy", Expected.near(exact, tolerance))
        .out("logSumExp", Expected.near(logSumExp, logSumExpTolerance))
        .out("outcome", Expected.ints(outcomes(batch)));
  }

  private static double logSumExp(double[] z) {
    if (LossRow.isUndefined(z)) {
      return Double.NaN;
    }
    double max = LossRow.max(z);
    double sum = 0;
    for (double value : z) {
      sum += Math.exp(value - max);
    }
    return max + Math.log(sum);
  }

  private KernelCase rowOutcome(KernelSignature kernel, LossBatch batch) {
    return caseOf(kernel, batch)
        .in("z", bytes(kernel, batch.z()))
        .in("labels", batch.labels())
        .out("outcome", Expected.ints(outcomes(batch)));
  }

  /** As those of a loss that does not look at the teacher. */
  private static int[] outcomes(LossBatch batch) {
    return new LossExpectation(batch, 1, 0).outcomes();
  }

  /** 2e-6 of exp, the rounding of its exponent, and half a unit in the last place of the 1. */
  private KernelCase crossEntropyBackward(KernelSignature kernel, LossBatch batch) {
    int classes = batch.classes();
    int labelled = new LossExpectation(batch, 1, 0).labelledRows();
    float[] logSumExp = new float[batch.rows()];
    double[] exact = new double[batch.z().length];
    double[] tolerance = new double[exact.length];
    double scale = (1 - (double) ALPHA) / labelled;
    for (int row = 0; row < batch.rows(); row++) {
      double[] z = row(batch.z(), row, classes);
      logSumExp[row] = (float) logSumExp(z);
      int label = batch.labels()[row];
      for (int c = 0; c < classes && label >= 0 && label < classes; c++) {
        double exponent = z[c] - logSumExp[row];
        double s = Math.exp(exponent);
        double rounding = s == 0 ? 0 : s * (2e-6 + Math.abs(exponent) * 0x1p-23);
        exact[row * classes + c] = scale * (s - (c == label ? 1 : 0));
        tolerance[row * classes + c] = scale * (rounding + 0x1p-23) + Float.MIN_NORMAL;
      }
    }
    return caseOf(kernel, batch)
        .in("z", bytes(kernel, batch.z()))
        .in("logSumExp", logSumExp)
        .in("labels", batch.labels())
        .in("labelledRows", labelled)
        .value("alpha", ALPHA)
        .out("dz", DistillationLossWideCases.near(typeOf(kernel), exact, tolerance));
  }

  private static double[] row(float[] matrix, int row, int classes) {
    double[] x = new double[classes];
    for (int c = 0; c < classes; c++) {
      x[c] = matrix[row * classes + c];
    }
    return x;
  }
}
