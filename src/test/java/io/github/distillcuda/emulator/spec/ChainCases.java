package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.UnfusedLossKernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** The kernels of the unfused chains that work element by element, or sum. */
final class ChainCases {
  private static final int[] LENGTHS = {1, 2, 63, 64, 65, 255, 256, 257, 1000};
  private static final int[] SUM_LENGTHS = {1, 2, 65, 256, 1000, 4096, 4097, 10000};

  private final List<KernelCase> cases = new ArrayList<>();

  private ChainCases() {}

  private interface Unary {
    float of(float a);
  }

  private interface Binary {
    float of(float a, float b);
  }

  static List<KernelCase> all() {
    ChainCases chain = new ChainCases();
    for (int n : LENGTHS) {
      chain.addElementKernels(n);
    }
    for (int n : SUM_LENGTHS) {
      chain.addSum(n);
    }
    chain.addXlogx(0, Float.NaN, Float.POSITIVE_INFINITY, Float.MAX_VALUE, -1);
    for (LossBatch batch :
        List.of(
            LossBatch.random(1, 2, 1),
            LossBatch.random(65, 10, 2),
            LossBatch.random(64, 100, 3),
            LossBatch.badlyLabelled(1000, 10, 4),
            LossBatch.badlyLabelled(1025, 10, 4),
            LossBatch.unlabelled(65, 10),
            LossBatch.adversarial(1),
            LossBatch.adversarial(10))) {
      chain.cases.add(nll(UnfusedLossKernels.NLL, batch));
      chain.cases.add(nllBackward(UnfusedLossKernels.NLL_BACKWARD, batch));
    }
    return chain.cases;
  }

  static Stream<LargeCase> ofManyRows() {
    return Stream.concat(
        LargeCase.ofEach(List.of(UnfusedLossKernels.NLL), ChainCases::nll),
        LargeCase.ofEach(List.of(UnfusedLossKernels.NLL_BACKWARD), ChainCases::nllBackward));
  }

  /** One scalar, and the elements of the batches that are counted. */
  static Stream<KernelCase> counted() {
    ChainCases chain = new ChainCases();
    for (int n : new int[] {1, 640, 6400, 64_000}) {
      chain.addElementKernels(n);
      chain.addSum(n);
    }
    chain.addSum(2); // the partial sums of 6,400
    chain.addSum(16); // and of 64,000
    chain.cases.removeIf(KernelCase::isInPlace);
    return Stream.of(
            chain.cases.stream(),
            Shapes.countedBatches(UnfusedLossKernels.NLL)
                .map(batch -> nll(UnfusedLossKernels.NLL, batch)),
            Shapes.countedBatches(UnfusedLossKernels.NLL_BACKWARD)
                .map(batch -> nllBackward(UnfusedLossKernels.NLL_BACKWARD, batch)))
        .flatMap(cases -> cases);
  }

  private void addElementKernels(int n) {
    cases.add(
        new KernelCase(UnfusedLossKernels.FILL, KernelSizes.of("n", n), "")
            .value("value", 0.3f)
            .out("y", Expected.floats(constant(n, 0.3f))));
    float factor = -2.7f;
    cases.add(unary(UnfusedLossKernels.SCALE, n, a -> a * factor).value("factor", factor));
    cases.add(
        unary(UnfusedLossKernels.SCALE, n, a -> a * factor)
            .value("factor", factor)
            .inPlace("y", "a"));
    binary(UnfusedLossKernels.ADD, n, (a, b) -> a + b);
    binary(UnfusedLossKernels.SUBTRACT, n, (a, b) -> a - b);
    binary(UnfusedLossKernels.MULTIPLY, n, (a, b) -> a * b);
    addXlogx(magnitudes(n));
    cases.add(
        new KernelCase(UnfusedLossKernels.NEGATE_EXPAND, KernelSizes.of("n", n), "")
            .in("a", 0.7f)
            .out("y", Expected.floats(constant(n, -0.7f))));
  }

  private static KernelCase unary(KernelSignature kernel, int n, Unary function) {
    float[] a = numbers(n, 1);
    float[] y = new float[n];
    for (int i = 0; i < n; i++) {
      y[i] = function.of(a[i]);
    }
    return new KernelCase(kernel, KernelSizes.of("n", n), "")
        .in("a", a)
        .out("y", Expected.floats(y));
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
          new KernelCase(kernel, KernelSizes.of("n", n), place.equals("y") ? "" : "over " + place)
              .in("a", a)
              .in("b", b)
              .out("y", Expected.floats(y));
      cases.add(place.equals("y") ? kernelCase : kernelCase.inPlace("y", place));
    }
  }

  /** logf is good to a unit in the last place, and one product: 4e-7 relative in all. */
  private void addXlogx(float... a) {
    double[] exact = new double[a.length];
    double[] tolerance = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      exact[i] = a[i] == 0 ? 0 : a[i] * Math.log(a[i]);
      tolerance[i] = 4e-7 * Math.abs(exact[i]) + Float.MIN_VALUE;
    }
    cases.add(
        new KernelCase(UnfusedLossKernels.XLOGX, KernelSizes.of("n", a.length), "")
            .in("a", a)
            .out("y", Expected.near(exact, tolerance)));
  }

  /** Normal numbers without their signs; zeros and numbers below the normal range among them. */
  private static float[] magnitudes(int n) {
    float[] a = numbers(n, 3);
    for (int i = 0; i < n; i++) {
      a[i] = i % 7 == 0 ? 0 : i % 11 == 0 ? 1e-40f : Math.abs(a[i]);
    }
    return a;
  }

  /** A partial sum a block; 1e-6 of the sum of magnitudes. */
  private void addSum(int n) {
    float[] x = numbers(n, 4);
    int blocks = UnfusedLossKernels.SUM.launch(KernelSizes.of("n", n)).gridX();
    double[] exact = new double[blocks];
    double[] tolerance = new double[blocks];
    for (int i = 0; i < n; i++) {
      int block = i / 256 % blocks; // a grid-stride loop of blocks of 256 threads
      exact[block] += x[i];
      tolerance[block] += 1e-6 * Math.abs(x[i]);
    }
    cases.add(
        new KernelCase(UnfusedLossKernels.SUM, KernelSizes.of("n", n), "")
            .in("x", x)
            .out("partials", Expected.near(exact, tolerance)));
  }

  /** 1e-6 of the sum of magnitudes; 0 for a batch without labels. */
  private static KernelCase nll(KernelSignature kernel, LossBatch batch) {
    KernelSizes sizes = KernelSizes.of("rows", batch.rows(), "classes", batch.classes());
    int labelled = labelledRows(batch);
    int denominator = Math.max(1, labelled);
    double sum = 0;
    double magnitude = 0;
    float[] logS = batch.z();
    for (int row = 0; row < batch.rows(); row++) {
      int label = batch.labels()[row];
      if (label >= 0 && label < batch.classes()) {
        sum -= logS[row * batch.classes() + label];
        magnitude += Math.abs(logS[row * batch.classes() + label]);
      }
    }
    double[] loss = {sum / denominator};
    return new KernelCase(kernel, sizes, batch.description())
        .in("logS", logS)
        .in("labels", batch.labels())
        .out("loss", Expected.near(loss, 1e-6 * magnitude / denominator))
        .out("labelledRows", Expected.ints(labelled));
  }

  private static int labelledRows(LossBatch batch) {
    return new LossExpectation(batch, 1, 0).labelledRows();
  }

  private static KernelCase nllBackward(KernelSignature kernel, LossBatch batch) {
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
    return new KernelCase(kernel, sizes, batch.description())
        .in("dLoss", dLoss)
        .in("labels", batch.labels())
        .in("labelledRows", labelled)
        .out("dLogS", Expected.floats(dLogS));
  }

  static float[] constant(int n, float value) {
    float[] values = new float[n];
    Arrays.fill(values, value);
    return values;
  }

  /** Normal numbers. */
  private static float[] numbers(int n, long seed) {
    Random random = new Random(seed);
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
