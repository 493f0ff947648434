package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.DistillationLossUnfusedKernels;
import io.github.distillcuda.cuda.kernels.DistillationLossUnfusedWideKernels;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.emulator.memory.HostBytes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * The kernels of the unfused chains that work element by element, or sum, in both types. One
 * operation in float32 and one rounding to the type are exact; what has a logarithm or a sum in it
 * has a tolerance.
 */
final class ChainElementCases {
  /**
   * The kernels of one type.
   *
   * @param lengths around what a thread and a block take
   * @param sumStep elements that a block takes in one step of its sum
   * @param largest whose logarithm is finite
   */
  private record Kernels(
      ElementType type,
      int[] lengths,
      int sumStep,
      float largest,
      KernelSignature scale,
      KernelSignature add,
      KernelSignature subtract,
      KernelSignature multiply,
      KernelSignature xlogx,
      KernelSignature negateExpand,
      KernelSignature sum,
      KernelSignature nll,
      KernelSignature nllBackward) {}

  private static final Kernels FLOAT32 =
      new Kernels(
          ElementType.FLOAT32,
          new int[] {1, 2, 63, 64, 65, 255, 256, 257, 1000},
          256,
          Float.MAX_VALUE,
          DistillationLossUnfusedKernels.SCALE,
          DistillationLossUnfusedKernels.ADD,
          DistillationLossUnfusedKernels.SUBTRACT,
          DistillationLossUnfusedKernels.MULTIPLY,
          DistillationLossUnfusedKernels.XLOGX,
          DistillationLossUnfusedKernels.NEGATE_EXPAND,
          DistillationLossUnfusedKernels.SUM,
          DistillationLossUnfusedKernels.NLL,
          DistillationLossUnfusedKernels.NLL_BACKWARD);

  private static final Kernels BFLOAT16 =
      new Kernels(
          ElementType.BFLOAT16,
          new int[] {1, 7, 8, 9, 10, 2047, 2048, 2049},
          2048,
          0x1p127f,
          DistillationLossUnfusedWideKernels.SCALE,
          DistillationLossUnfusedWideKernels.ADD,
          DistillationLossUnfusedWideKernels.SUBTRACT,
          DistillationLossUnfusedWideKernels.MULTIPLY,
          DistillationLossUnfusedWideKernels.XLOGX,
          DistillationLossUnfusedWideKernels.NEGATE_EXPAND,
          DistillationLossUnfusedWideKernels.SUM,
          DistillationLossUnfusedWideKernels.NLL,
          DistillationLossUnfusedWideKernels.NLL_BACKWARD);

  private static final int[] SUM_LENGTHS = {1, 2, 9, 65, 256, 1000, 2049, 4096, 4097, 10_000};

  private final Kernels kernels;
  private final List<KernelCase> cases = new ArrayList<>();

  private ChainElementCases(Kernels kernels) {
    this.kernels = kernels;
  }

  private interface Unary {
    float of(float a);
  }

  private interface Binary {
    float of(float a, float b);
  }

  static List<KernelCase> ofFloat32() {
    ChainElementCases float32 = new ChainElementCases(FLOAT32);
    for (int n : FLOAT32.lengths) {
      float32.addFill(n);
    }
    return float32.addAll();
  }

  static List<KernelCase> ofBfloat16() {
    return new ChainElementCases(BFLOAT16).addAll();
  }

  private List<KernelCase> addAll() {
    for (int n : kernels.lengths) {
      addElementKernels(n);
    }
    for (int n : SUM_LENGTHS) {
      addSum(n);
    }
    addXlogx(0, Float.NaN, Float.POSITIVE_INFINITY, kernels.largest, -1);
    for (LossBatch batch :
        List.of(
            LossBatch.random(1, 2, 1),
            LossBatch.random(65, 10, 2),
            LossBatch.random(64, 100, 3),
            LossBatch.random(3, 1025, 2),
            LossBatch.badlyLabelled(65, 33, 4),
            LossBatch.badlyLabelled(1000, 10, 4),
            LossBatch.badlyLabelled(1025, 10, 4),
            LossBatch.unlabelled(65, 10),
            LossBatch.adversarial(1),
            LossBatch.adversarial(10))) {
      addNll(batch);
    }
    return cases;
  }

  static Stream<LargeCase> ofManyRows() {
    ChainElementCases chain = new ChainElementCases(FLOAT32);
    return Stream.concat(
        LargeCase.ofEach(List.of(FLOAT32.nll), (kernel, batch) -> chain.nll(batch)),
        LargeCase.ofEach(
            List.of(FLOAT32.nllBackward), (kernel, batch) -> chain.nllBackward(batch)));
  }

  /** One scalar, and the elements of the batches that are counted. */
  static Stream<KernelCase> countedOfFloat32() {
    ChainElementCases float32 = new ChainElementCases(FLOAT32);
    for (int n : new int[] {1, 640, 6400, 64_000}) {
      float32.addFill(n);
      float32.addElementKernels(n);
      float32.addSum(n);
    }
    float32.addSum(2); // the partial sums of 6,400
    float32.addSum(16); // and of 64,000
    Shapes.countedBatches(FLOAT32.nll).forEach(float32::addNll);
    return float32.cases.stream().filter(one -> !one.isInPlace());
  }

  /** Whole blocks. */
  static Stream<KernelCase> countedOfBfloat16() {
    ChainElementCases bfloat16 = new ChainElementCases(BFLOAT16);
    bfloat16.addElementKernels(2 * BFLOAT16.sumStep);
    bfloat16.addSum(4 * BFLOAT16.sumStep);
    bfloat16.addNll(LossBatch.random(2, 2000, 2000));
    return bfloat16.cases.stream().filter(one -> !one.isInPlace());
  }

  private static KernelCase of(KernelSignature kernel, int n, String description) {
    return new KernelCase(kernel, KernelSizes.of("n", n), description);
  }

  private byte[] bytes(float... values) {
    return DistillationLossWideCases.bytes(kernels.type, values);
  }

  private Expected exactly(float... values) {
    return kernels.type == ElementType.FLOAT32
        ? Expected.floats(values)
        : Expected.bytes(HostBytes.ofBfloat16(DistillationLossWideCases.rounded(values)));
  }

  private void addFill(int n) {
    cases.add(
        of(DistillationLossUnfusedKernels.FILL, n, "")
            .value("value", 0.3f)
            .out("y", Expected.floats(constant(n, 0.3f))));
  }

  private void addElementKernels(int n) {
    float factor = -2.7f;
    cases.add(unary(kernels.scale, n, a -> a * factor).value("factor", factor));
    cases.add(unary(kernels.scale, n, a -> a * factor).value("factor", factor).inPlace("y", "a"));
    binary(kernels.add, n, (a, b) -> a + b);
    binary(kernels.subtract, n, (a, b) -> a - b);
    binary(kernels.multiply, n, (a, b) -> a * b);
    addXlogx(magnitudes(n));
    cases.add(of(kernels.negateExpand, n, "").in("a", 0.7f).out("y", exactly(constant(n, -0.7f))));
  }

  private KernelCase unary(KernelSignature kernel, int n, Unary function) {
    float[] a = numbers(n, 1);
    float[] y = new float[n];
    for (int i = 0; i < n; i++) {
      y[i] = function.of(a[i]);
    }
    return of(kernel, n, "").in("a", bytes(a)).out("y", exactly(y));
  }

  private void binary(KernelSignature kernel, int n, Binary function) {
    float[] a = numbers(n, 1);
    float[] b = numbers(n, 2);
    float[] y = new float[n];
    for (int i = 0; i < n; i++) {
      y[i] = function.of(a[i], b[i]);
    }
    for (String place : new String[] {"y", "a", "b"}) {
      KernelCase kernelCase =
          of(kernel, n, place.equals("y") ? "" : "over " + place)
              .in("a", bytes(a))
              .in("b", bytes(b))
              .out("y", exactly(y));
      cases.add(place.equals("y") ? kernelCase : kernelCase.inPlace("y", place));
    }
  }

  /**
   * logf is good to a unit in the last place, and one product: 4e-7 relative in all. In bfloat16
   * what lies below the normal range is rounded more coarsely.
   */
  private void addXlogx(float... a) {
    double[] exact = new double[a.length];
    double[] tolerance = new double[a.length];
    float least = kernels.type == ElementType.FLOAT32 ? Float.MIN_VALUE : Float.MIN_NORMAL;
    for (int i = 0; i < a.length; i++) {
      exact[i] = a[i] == 0 ? 0 : a[i] * Math.log(a[i]);
      tolerance[i] = 4e-7 * Math.abs(exact[i]) + least;
    }
    cases.add(
        of(kernels.xlogx, a.length, "")
            .in("a", bytes(a))
            .out("y", DistillationLossWideCases.near(kernels.type, exact, tolerance)));
  }

  /** Normal numbers without their signs; zeros and numbers below the normal range among them. */
  private float[] magnitudes(int n) {
    float[] a = numbers(n, 3);
    for (int i = 0; i < n; i++) {
      a[i] = i % 7 == 0 ? 0 : i % 11 == 0 ? 1e-40f : Math.abs(a[i]);
    }
    return DistillationLossWideCases.inType(kernels.type, a);
  }

  /** A partial sum a block; 1e-6 of the sum of magnitudes. */
  private void addSum(int n) {
    float[] x = numbers(n, 4);
    int blocks = kernels.sum.launch(KernelSizes.of("n", n)).gridX();
    double[] exact = new double[blocks];
    double[] tolerance = new double[blocks];
    for (int i = 0; i < n; i++) {
      int block = i / kernels.sumStep % blocks;
      exact[block] += x[i];
      tolerance[block] += 1e-6 * Math.abs(x[i]);
    }
    cases.add(
        of(kernels.sum, n, "").in("x", bytes(x)).out("partials", Expected.near(exact, tolerance)));
  }

  private void addNll(LossBatch batch) {
    cases.add(nll(batch));
    cases.add(nllBackward(batch));
  }

  /** 1e-6 of the sum of magnitudes; 0 for a batch without labels. */
  private KernelCase nll(LossBatch batch) {
    KernelSizes sizes = KernelSizes.of("rows", batch.rows(), "classes", batch.classes());
    int labelled = labelledRows(batch);
    int denominator = Math.max(1, labelled);
    double sum = 0;
    double magnitude = 0;
    float[] logS = DistillationLossWideCases.inType(kernels.type, batch).z();
    for (int row = 0; row < batch.rows(); row++) {
      int label = batch.labels()[row];
      if (label >= 0 && label < batch.classes()) {
        sum -= logS[row * batch.classes() + label];
        magnitude += Math.abs(logS[row * batch.classes() + label]);
      }
    }
    double[] loss = {sum / denominator};
    return new KernelCase(kernels.nll, sizes, batch.description())
        .in("logS", bytes(logS))
        .in("labels", batch.labels())
        .out("loss", Expected.near(loss, 1e-6 * magnitude / denominator))
        .out("labelledRows", Expected.ints(labelled));
  }

  private static int labelledRows(LossBatch batch) {
    return new LossExpectation(batch, 1, 0).labelledRows();
  }

  private KernelCase nllBackward(LossBatch batch) {
    KernelSizes sizes = KernelSizes.of("rows", batch.rows(), "classes", batch.classes());
    int labelled = labelledRows(batch);
    float dLoss = 0.3f;
    float[] dLogS = new float[batch.z().length];
    for (int row = 0; row < batch.rows(); row++) {
      int label = batch.labels()[row];
      if (label >= 0 && label < batch.classes()) {
        dLogS[row * batch.classes() + label] = -dLoss / labelled;
      }
    }
    return new KernelCase(kernels.nllBackward, sizes, batch.description())
        .in("dLoss", dLoss)
        .in("labels", batch.labels())
        .in("labelledRows", labelled)
        .out("dLogS", exactly(dLogS));
  }

  static float[] constant(int n, float value) {
    float[] values = new float[n];
    Arrays.fill(values, value);
    return values;
  }

  /** Normal numbers of the type. */
  private float[] numbers(int n, long seed) {
    Random random = new Random(seed);
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return DistillationLossWideCases.inType(kernels.type, values);
  }
}
