package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.ConvolutionBlockKernels;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** Bias and ReLU of a linear layer, and the second stage of every bias gradient. */
final class BiasReluCases {
  private static final int CHUNK = ConvolutionBlockKernels.CHUNK;

  private BiasReluCases() {}

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    for (int rows : new int[] {1, 2, 63, 64, 65, 200}) {
      for (int channels : new int[] {1, 10, 31, 32, 33, 100}) {
        cases.add(forward(rows, channels));
        cases.add(backward(rows, channels));
        cases.add(biasGradient(rows, channels));
      }
    }
    // a second round of each line's eight loads: none, one, and some
    for (int count : new int[] {256, 257, 600}) {
      cases.add(biasGradient(count, 33));
    }
    cases.add(forward(65, 33).inPlace("y", "x"));
    cases.add(backward(65, 33).inPlace("dx", "dy"));
    return cases;
  }

  static Stream<KernelCase> counted() {
    return Stream.of(
        forward(64, 128), backward(64, 128), biasGradient(64, 128), biasGradient(1024, 32));
  }

  private static KernelSizes sizes(int rows, int channels) {
    return KernelSizes.of("rows", rows, "channels", channels);
  }

  private static KernelCase forward(int rows, int channels) {
    float[] x = numbers(rows * channels, 1);
    float[] bias = numbers(channels, 2);
    float[] y = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      float sum = x[i] + bias[i % channels];
      y[i] = sum <= 0 ? 0 : sum; // keeps NaN
    }
    return new KernelCase(ConvolutionBlockKernels.BIAS_RELU, sizes(rows, channels), "")
        .in("x", x)
        .in("bias", bias)
        .out("y", Expected.floats(y));
  }

  private static KernelCase backward(int rows, int channels) {
    float[] y = numbers(rows * channels, 3);
    float[] dy = new float[y.length];
    float[] dx = new float[y.length];
    double[] partials = new double[Math.ceilDiv(rows, CHUNK) * channels];
    double[] tolerance = new double[partials.length];
    Random random = new Random(4);
    for (int i = 0; i < y.length; i++) {
      y[i] = y[i] <= 0 ? 0 : y[i];
      dy[i] = (float) random.nextGaussian();
      dx[i] = y[i] <= 0 ? 0 : dy[i];
      int partial = i / channels / CHUNK * channels + i % channels;
      partials[partial] += dx[i];
      tolerance[partial] += 1e-6 * Math.abs(dx[i]);
    }
    return new KernelCase(ConvolutionBlockKernels.BIAS_RELU_BACKWARD, sizes(rows, channels), "")
        .in("dy", dy)
        .in("y", y)
        .out("dx", Expected.floats(dx))
        .out("partials", Expected.near(partials, tolerance));
  }

  private static KernelCase biasGradient(int count, int channels) {
    Random random = new Random(6);
    float[] partials = new float[count * channels];
    double[] exact = new double[channels];
    double[] tolerance = new double[channels];
    for (int i = 0; i < partials.length; i++) {
      partials[i] = (float) random.nextGaussian();
      exact[i % channels] += partials[i];
      tolerance[i % channels] += 1e-6 * Math.abs(partials[i]);
    }
    return new KernelCase(
            ConvolutionBlockKernels.BIAS_GRADIENT,
            KernelSizes.of("count", count, "channels", channels),
            "")
        .in("partials", partials)
        .out("dBias", Expected.near(exact, tolerance));
  }

  private static float[] numbers(int n, long seed) {
    Random random = new Random(seed);
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = i % 53 == 52 ? Float.NaN : (float) random.nextGaussian();
    }
    return values;
  }
}
