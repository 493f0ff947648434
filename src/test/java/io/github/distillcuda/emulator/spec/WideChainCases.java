package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.WideChainKernels;
import io.github.distillcuda.emulator.memory.HostBytes;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * The element kernels of the unfused chains in bfloat16. One operation in float32 and one rounding
 * are exact; what has a logarithm or a sum in it has the tolerance of {@link ChainCases}.
 */
final class WideChainCases {
  private static final int[] LENGTHS = {1, 7, 8, 9, 2047, 2048, 2049};
  private static final int[] SUM_LENGTHS = {1, 9, 2049, 4096, 4097, 10_000};

  /** Elements that a block takes in one step of its sum. */
  private static final int STEP = 2048;

  private final List<KernelCase> cases = new ArrayList<>();

  private WideChainCases() {}

  private interface Binary {
    float of(float a, float b);
  }

  static List<KernelCase> all() {
    WideChainCases chain = new WideChainCases();
    for (int n : LENGTHS) {
      chain.addElementKernels(n);
    }
    for (int n : SUM_LENGTHS) {
      chain.addSum(n);
    }
    chain.addXlogx(0, Float.NaN, Float.POSITIVE_INFINITY, 0x1p127f, -1);
    for (LossBatch batch :
        List.of(
            LossBatch.random(1, 2, 1),
            LossBatch.badlyLabelled(65, 33, 4),
            LossBatch.badlyLabelled(300, 10, 4),
            LossBatch.unlabelled(65, 10),
            LossBatch.random(3, 1025, 2))) {
      chain.addNll(WideLossCases.inType(ElementType.BFLOAT16, batch));
    }
    return chain.cases;
  }

  static Stream<KernelCase> counted() {
    WideChainCases chain = new WideChainCases();
    chain.addElementKernels(STEP * 2);
    chain.addSum(STEP * 4);
    chain.addNll(WideLossCases.random(ElementType.BFLOAT16, 2, 2000, 2000));
    return chain.cases.stream().filter(one -> !one.isInPlace());
  }

  private static KernelCase of(KernelSignature kernel, int n) {
    return new KernelCase(kernel, KernelSizes.of("n", n), "");
  }

  private static Expected exactly(float[] values) {
    return Expected.bytes(HostBytes.ofBfloat16(WideLossCases.rounded(values)));
  }

  private void addElementKernels(int n) {
    float[] a = numbers(n, 1);
    float factor = -2.7f;
    float[] scaled = new float[n];
    for (int i = 0; i < n; i++) {
      scaled[i] = a[i] * factor;
    }
    for (boolean inPlace : new boolean[] {false, true}) {
      KernelCase scale =
          of(WideChainKernels.SCALE, n)
              .in("a", HostBytes.ofBfloat16(a))
              .value("factor", factor)
              .out("y", exactly(scaled));
      cases.add(inPlace ? scale.inPlace("y", "a") : scale);
    }
    addBinary(WideChainKernels.ADD, n, (x, y) -> x + y);
    addBinary(WideChainKernels.SUBTRACT, n, (x, y) -> x - y);
    addBinary(WideChainKernels.MULTIPLY, n, (x, y) -> x * y);
    float[] magnitudes = numbers(n, 3);
    for (int i = 0; i < n; i++) {
      magnitudes[i] = i % 7 == 0 ? 0 : Math.abs(magnitudes[i]);
    }
    addXlogx(magnitudes);
    cases.add(
        of(WideChainKernels.NEGATE_EXPAND, n)
            .in("a", 0.7f)
            .out("y", exactly(ChainCases.constant(n, -0.7f))));
  }

  private void addBinary(KernelSignature kernel, int n, Binary function) {
    float[] a = numbers(n, 1);
    float[] b = numbers(n, 2);
    float[] y = new float[n];
    for (int i = 0; i < n; i++) {
      y[i] = function.of(a[i], b[i]);
    }
    for (String place : new String[] {"y", "a", "b"}) {
      KernelCase one =
          of(kernel, n)
              .in("a", HostBytes.ofBfloat16(a))
              .in("b", HostBytes.ofBfloat16(b))
              .out("y", exactly(y));
      cases.add(place.equals("y") ? one : one.inPlace("y", place));
    }
  }

  private void addXlogx(float... a) {
    double[] exact = new double[a.length];
    double[] tolerance = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      exact[i] = a[i] == 0 ? 0 : a[i] * Math.log(a[i]);
      tolerance[i] = 4e-7 * Math.abs(exact[i]) + Float.MIN_NORMAL;
    }
    cases.add(
        of(WideChainKernels.XLOGX, a.length)
            .in("a", HostBytes.ofBfloat16(a))
            .out("y", WideLossCases.near(ElementType.BFLOAT16, exact, tolerance)));
  }

  /** A partial sum a block; 1e-6 of the sum of magnitudes. */
  private void addSum(int n) {
    float[] x = numbers(n, 4);
    int blocks = WideChainKernels.SUM.launch(KernelSizes.of("n", n)).gridX();
    double[] exact = new double[blocks];
    double[] tolerance = new double[blocks];
    for (int i = 0; i < n; i++) {
      exact[i / STEP % blocks] += x[i];
      tolerance[i / STEP % blocks] += 1e-6 * Math.abs(x[i]);
    }
    cases.add(
        of(WideChainKernels.SUM, n)
            .in("x", HostBytes.ofBfloat16(x))
            .out("partials", Expected.near(exact, tolerance)));
  }

  /** The loss by 1e-6 of the sum of magnitudes, its gradient exactly. */
  private void addNll(LossBatch batch) {
    int classes = batch.classes();
    KernelSizes sizes = KernelSizes.of("rows", batch.rows(), "classes", classes);
    int labelled = new LossExpectation(batch, 1, 0).labelledRows();
    double sum = 0;
    double magnitude = 0;
    float dLoss = 0.3f;
    float[] dLogS = new float[batch.z().length];
    for (int row = 0; row < batch.rows(); row++) {
      int label = batch.labels()[row];
      if (label >= 0 && label < classes) {
        float logS = batch.z()[row * classes + label];
        sum -= logS;
        magnitude += Math.abs(logS);
        dLogS[row * classes + label] = -dLoss / labelled;
      }
    }
    int denominator = Math.max(1, labelled);
    cases.add(
        new KernelCase(WideChainKernels.NLL, sizes, batch.description())
            .in("logS", HostBytes.ofBfloat16(batch.z()))
            .in("labels", batch.labels())
            .out(
                "loss",
                Expected.near(new double[] {sum / denominator}, 1e-6 * magnitude / denominator))
            .out("labelledRows", Expected.ints(labelled)));
    cases.add(
        new KernelCase(WideChainKernels.NLL_BACKWARD, sizes, batch.description())
            .in("dLoss", dLoss)
            .in("labels", batch.labels())
            .in("labelledRows", labelled)
            .out("dLogS", exactly(dLogS)));
  }

  /** Normal numbers of bfloat16. */
  private static float[] numbers(int n, long seed) {
    Random random = new Random(seed);
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return WideLossCases.rounded(values);
  }
}
