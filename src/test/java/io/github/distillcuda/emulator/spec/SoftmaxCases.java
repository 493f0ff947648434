package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels;
import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** Softmax and log-softmax at a temperature, and their backward passes. */
final class SoftmaxCases {
  private static final float[] TEMPERATURES = {5, 1, 1e-3f, 1000};

  /** Classes of a row of the wide kernels' counts. */
  private static final int COUNTED = 2000;

  /** A class of the first warp of the second block of a cluster, in rows of 1,100 a block. */
  private static final int IN_SECOND_BLOCK = 1200;

  private SoftmaxCases() {}

  /** Makes a case of a batch of logits. */
  private interface CaseMaker {
    KernelCase of(KernelSignature kernel, LossBatch batch, float temperature);
  }

  /**
   * The kernels of one operation for all ranges of classes.
   *
   * @param inputs where the output may lie
   */
  private record Family(
      Operation operation,
      List<KernelSignature> kernels,
      CaseMaker maker,
      String output,
      List<String> inputs) {
    /** Those for rows of any length. */
    List<KernelSignature> wide(ElementType type) {
      return TemperatureSoftmaxKernels.of(operation, type).stream()
          .filter(kernel -> !kernels.contains(kernel))
          .toList();
    }
  }

  private static final List<Family> FAMILIES =
      List.of(
          new Family(
              Operation.SOFTMAX,
              TemperatureSoftmaxKernels.SOFTMAX,
              SoftmaxCases::softmax,
              "y",
              List.of("x")),
          new Family(
              Operation.LOG_SOFTMAX,
              TemperatureSoftmaxKernels.LOG_SOFTMAX,
              SoftmaxCases::logSoftmax,
              "y",
              List.of("x")),
          new Family(
              Operation.SOFTMAX_BACKWARD,
              TemperatureSoftmaxKernels.SOFTMAX_BACKWARD,
              SoftmaxCases::softmaxBackward,
              "dx",
              List.of("dy", "y")),
          new Family(
              Operation.LOG_SOFTMAX_BACKWARD,
              TemperatureSoftmaxKernels.LOG_SOFTMAX_BACKWARD,
              SoftmaxCases::logSoftmaxBackward,
              "dx",
              List.of("dy", "y")));

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    FAMILIES.forEach(family -> addAll(family, cases));
    return cases;
  }

  static Stream<LargeCase> ofManyRows() {
    return FAMILIES.stream()
        .flatMap(
            family ->
                LargeCase.ofEach(
                    family.kernels, (kernel, batch) -> family.maker.of(kernel, batch, 5)));
  }

  static Stream<KernelCase> counted() {
    return FAMILIES.stream()
        .flatMap(
            family ->
                Stream.concat(
                    family.kernels.stream()
                        .flatMap(
                            kernel ->
                                Shapes.countedBatches(kernel)
                                    .map(batch -> family.maker.of(kernel, batch, 5))),
                    Stream.of(ElementType.FLOAT32, ElementType.BFLOAT16)
                        .flatMap(type -> family.wide(type).stream())
                        .map(kernel -> family.maker.of(kernel, wideBatch(kernel, 2, COUNTED), 5))));
  }

  /** A case of an operation by any of its kernels. */
  static KernelCase of(
      Operation operation, KernelSignature kernel, LossBatch batch, float temperature) {
    return FAMILIES.stream()
        .filter(family -> family.operation == operation)
        .findFirst()
        .orElseThrow()
        .maker
        .of(kernel, batch, temperature);
  }

  /** The kernel for a whole vocabulary, on a GPU with clusters. */
  static Stream<KernelCase> ofVocabulary(ElementType type, int classes) {
    return FAMILIES.stream()
        .map(
            family -> {
              KernelSignature kernel =
                  family.wide(type).stream()
                      .filter(one -> one.accepts(KernelSizes.of("rows", 1, "classes", classes)))
                      .findFirst()
                      .orElseThrow();
              return family.maker.of(kernel, wideBatch(kernel, 1, classes), 2);
            });
  }

  private static LossBatch wideBatch(KernelSignature kernel, int rows, int classes) {
    return WideLossCases.random(typeOf(kernel), rows, classes, classes);
  }

  private static ElementType typeOf(KernelSignature kernel) {
    return kernel.pointers().getFirst().element();
  }

  /** Classes enough for every thread or block to have some, and the usual adversaries. */
  private static void addWide(Family family, List<KernelCase> cases) {
    for (ElementType type : List.of(ElementType.FLOAT32, ElementType.BFLOAT16)) {
      for (KernelSignature kernel : family.wide(type)) {
        boolean isOfCluster = kernel.clusterBlocks() > 1;
        boolean isVariant = isOfCluster || kernel.symbol().contains("_c16384_");
        boolean isStreamed = kernel.symbol().contains("_streamed_");
        int ofBlock = isStreamed ? 9003 : 4003;
        int classes = isOfCluster ? 1100 * kernel.clusterBlocks() + 1 : ofBlock;
        cases.add(family.maker.of(kernel, wideBatch(kernel, isOfCluster ? 1 : 2, classes), 5));
        cases.add(
            family
                .maker
                .of(kernel, wideBatch(kernel, 3, 1501), 5)
                .shiftedBy(family.inputs.getFirst(), type.bytes())
                .shiftedBy(family.output, 2 * type.bytes()));
        if (isVariant) { // of the same source as c4096
          if (kernel.symbol().contains("_c131072_")) { // as many classes as it holds
            cases.add(family.maker.of(kernel, wideBatch(kernel, 1, 131_072), 5));
          }
          cases.add(
              family
                  .maker
                  .of(kernel, wideBatch(kernel, 3, 1501), 5)
                  .inPlace(family.output, family.inputs.getFirst())
                  .shiftedBy(type.bytes()));
          for (int place : new int[] {WideLossCases.lastLane(type), IN_SECOND_BLOCK}) {
            LossBatch peaked = LossBatch.peaked(classes, place, 0);
            cases.add(family.maker.of(kernel, WideLossCases.inType(type, peaked), 5));
          }
          continue;
        }
        int last = classes - 1;
        for (int place : new int[] {WideLossCases.lastLane(type), last - 2, last - 1, last}) {
          LossBatch peaked = LossBatch.peaked(classes, place, 0);
          cases.add(family.maker.of(kernel, WideLossCases.inType(type, peaked), 5));
        }
        for (float temperature : new float[] {5, 1e-3f}) {
          for (LossBatch batch : List.of(LossBatch.adversarial(1029), LossBatch.notFinite(1029))) {
            cases.add(family.maker.of(kernel, WideLossCases.inType(type, batch), temperature));
          }
        }
        LossBatch huge = WideLossCases.inType(type, LossBatch.huge(1025));
        cases.add(family.maker.of(kernel, huge, 1e-3f));
        cases.add(family.maker.of(kernel, wideBatch(kernel, 3, 10), 1));
        for (String input : family.inputs) {
          cases.add(
              family
                  .maker
                  .of(kernel, wideBatch(kernel, 3, 1501), 5)
                  .inPlace(family.output, input)
                  .shiftedBy(type.bytes()));
        }
      }
    }
  }

  private static void addAll(Family family, List<KernelCase> cases) {
    CaseMaker maker = family.maker;
    addWide(family, cases);
    for (KernelSignature kernel : family.kernels) {
      int[] classCounts = Shapes.classesOf(kernel);
      for (int classes : classCounts) {
        for (int rows : Shapes.ROWS) {
          cases.add(maker.of(kernel, LossBatch.random(rows, classes, rows), 5));
        }
      }
      for (int classes : Shapes.classesAroundGroups(kernel)) {
        cases.add(maker.of(kernel, LossBatch.random(3, classes, classes), 2));
      }
      int most = classCounts[classCounts.length - 1];
      for (int classes : new int[] {1, 2, 10, most}) {
        for (float temperature : TEMPERATURES) {
          cases.add(maker.of(kernel, LossBatch.adversarial(classes), temperature));
          cases.add(maker.of(kernel, LossBatch.notFinite(classes), temperature));
        }
        cases.add(maker.of(kernel, LossBatch.huge(classes), 1e-3f));
      }
      for (String input : family.inputs) {
        cases.add(maker.of(kernel, LossBatch.random(65, most, 2), 5).inPlace(family.output, input));
      }
      cases.add(maker.of(kernel, LossBatch.random(65, most, 3), 5).shiftedBy(4));
    }
  }

  private static KernelCase caseOf(KernelSignature kernel, LossBatch batch, float temperature) {
    KernelSizes sizes = KernelSizes.of("rows", batch.rows(), "classes", batch.classes());
    return new KernelCase(kernel, sizes, batch.description() + " T=" + temperature)
        .value("temperature", temperature);
  }

  /** Works out a row of the result, with the tolerance of each element. */
  private interface RowFunction {
    void apply(int row, double[] exact, double[] tolerance);
  }

  private static Expected byRow(ElementType type, LossBatch batch, RowFunction function) {
    int classes = batch.classes();
    double[] exact = new double[batch.z().length];
    double[] tolerance = new double[exact.length];
    for (int row = 0; row < batch.rows(); row++) {
      double[] exactRow = new double[classes];
      double[] toleranceRow = new double[classes];
      function.apply(row, exactRow, toleranceRow);
      System.arraycopy(exactRow, 0, exact, row * classes, classes);
      System.arraycopy(toleranceRow, 0, tolerance, row * classes, classes);
    }
    return WideLossCases.near(type, exact, tolerance);
  }

  private static double[] row(float[] matrix, int row, int classes) {
    double[] x = new double[classes];
    for (int c = 0; c < classes; c++) {
      x[c] = matrix[row * classes + c];
    }
    return x;
  }

  /**
   * 2e-6 relative, and the rounding of 1/T and of (x - max)/T: half a unit in the last place each
   * of an exponent, which is a relative error of the result.
   */
  private static KernelCase softmax(KernelSignature kernel, LossBatch batch, float temperature) {
    return caseOf(kernel, batch, temperature)
        .in("x", WideLossCases.bytes(typeOf(kernel), batch.z()))
        .out(
            "y",
            byRow(
                typeOf(kernel),
                batch,
                (row, exact, tolerance) -> {
                  double[] x = row(batch.z(), row, batch.classes());
                  double[] p = LossRow.softmax(x, temperature);
                  double max = LossRow.max(x);
                  for (int c = 0; c < x.length; c++) {
                    exact[c] = p[c];
                    double exponent = Math.abs(x[c] - max) / temperature;
                    tolerance[c] = relative(p[c], exponent);
                  }
                }));
  }

  private static double relative(double p, double exponent) {
    double error = p == 0 ? 0 : p * (2e-6 + exponent * 0x1p-22);
    return error + Float.MIN_NORMAL; // what underflows may be 0
  }

  /** 2e-6 absolute, scaled with the largest finite distance from the maximum. */
  private static KernelCase logSoftmax(KernelSignature kernel, LossBatch batch, float temperature) {
    return caseOf(kernel, batch, temperature)
        .in("x", WideLossCases.bytes(typeOf(kernel), batch.z()))
        .out(
            "y",
            byRow(
                typeOf(kernel),
                batch,
                (row, exact, tolerance) -> {
                  double[] x = row(batch.z(), row, batch.classes());
                  double[] logP = logSoftmax(x, temperature);
                  double range = 0;
                  for (double value : logP) {
                    range = Double.isFinite(value) ? Math.max(range, -value) : range;
                  }
                  for (int c = 0; c < x.length; c++) {
                    exact[c] = logP[c];
                    tolerance[c] = 2e-6 * (1 + range);
                  }
                }));
  }

  private static double[] logSoftmax(double[] x, double temperature) {
    double max = LossRow.max(x);
    double sum = 0;
    for (double value : x) {
      sum += Math.exp((value - max) / temperature);
    }
    double logSum = LossRow.isUndefined(x) ? Double.NaN : Math.log(sum);
    double[] logP = new double[x.length];
    for (int c = 0; c < x.length; c++) {
      logP[c] = (x[c] - max) / temperature - logSum;
    }
    return logP;
  }

  /** Each product and sum rounds relative to what it adds: 1e-6 of the sum of magnitudes. */
  private static KernelCase softmaxBackward(
      KernelSignature kernel, LossBatch batch, float temperature) {
    float[] y = inType(kernel, probabilities(batch, temperature, false));
    float[] dy = inType(kernel, gradients(batch));
    return backward(
        kernel,
        batch,
        temperature,
        y,
        dy,
        (yRow, dyRow, exact, tolerance) -> {
          double sum = 0;
          double magnitude = 0;
          for (int c = 0; c < yRow.length; c++) {
            sum += dyRow[c] * yRow[c];
            magnitude += Math.abs(dyRow[c] * yRow[c]);
          }
          for (int c = 0; c < yRow.length; c++) {
            exact[c] = yRow[c] * (dyRow[c] - sum) / temperature;
            double terms = Math.abs(yRow[c]) * (Math.abs(dyRow[c]) + magnitude);
            tolerance[c] = 1e-6 * terms / temperature + Float.MIN_NORMAL;
          }
        });
  }

  /** As above; exp(y) is good to 2e-6 and the rounding of its exponent is none, y is exact. */
  private static KernelCase logSoftmaxBackward(
      KernelSignature kernel, LossBatch batch, float temperature) {
    float[] y = inType(kernel, probabilities(batch, temperature, true));
    float[] dy = inType(kernel, gradients(batch));
    return backward(
        kernel,
        batch,
        temperature,
        y,
        dy,
        (yRow, dyRow, exact, tolerance) -> {
          double sum = 0;
          double magnitude = 0;
          for (double gradient : dyRow) {
            sum += gradient;
            magnitude += Math.abs(gradient);
          }
          for (int c = 0; c < yRow.length; c++) {
            double p = Math.exp(yRow[c]);
            exact[c] = (dyRow[c] - p * sum) / temperature;
            double terms = 1e-6 * Math.abs(dyRow[c]) + 3e-6 * p * magnitude;
            tolerance[c] = terms / temperature + Float.MIN_NORMAL;
          }
        });
  }

  /** The gradient of a row from its forward output and the gradient of that. */
  private interface BackwardRow {
    void apply(double[] y, double[] dy, double[] exact, double[] tolerance);
  }

  private static KernelCase backward(
      KernelSignature kernel,
      LossBatch batch,
      float temperature,
      float[] y,
      float[] dy,
      BackwardRow function) {
    int classes = batch.classes();
    return caseOf(kernel, batch, temperature)
        .in("y", WideLossCases.bytes(typeOf(kernel), y))
        .in("dy", WideLossCases.bytes(typeOf(kernel), dy))
        .out(
            "dx",
            byRow(
                typeOf(kernel),
                batch,
                (row, exact, tolerance) ->
                    function.apply(row(y, row, classes), row(dy, row, classes), exact, tolerance)));
  }

  /** What the forward kernel would have left, to the nearest float. */
  private static float[] probabilities(LossBatch batch, float temperature, boolean logs) {
    float[] outputs = new float[batch.z().length];
    for (int row = 0; row < batch.rows(); row++) {
      double[] x = row(batch.z(), row, batch.classes());
      double[] y = logs ? logSoftmax(x, temperature) : LossRow.softmax(x, temperature);
      for (int c = 0; c < y.length; c++) {
        outputs[row * y.length + c] = (float) y[c];
      }
    }
    return outputs;
  }

  private static float[] inType(KernelSignature kernel, float[] values) {
    return typeOf(kernel) == ElementType.FLOAT32 ? values : WideLossCases.rounded(values);
  }

  private static float[] gradients(LossBatch batch) {
    Random random = new Random(9);
    float[] gradients = new float[batch.z().length];
    for (int i = 0; i < gradients.length; i++) {
      gradients[i] = (float) random.nextGaussian();
    }
    return gradients;
  }
}
