package io.github.distillcuda.emulator.spec;

import static io.github.distillcuda.emulator.spec.PooledLayer.DEAD;
import static io.github.distillcuda.emulator.spec.PooledLayer.numbers;

import io.github.distillcuda.cuda.kernels.ImageConvolutionKernels;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * The first layer forward: plain loops in float64 over every pixel and tap. Sums keep to 1e-6 of
 * the same sums over absolute values; images and filters of whole numbers give whole sums, which
 * must come out to the bit.
 */
final class ImageConvolutionCases {
  /**
   * Tiles are 16 x 16 pixels and 32 outputs: below, at and above them. Threads have 8 outputs: with
   * 8 in all, those of the others begin where the outputs end.
   */
  static final List<PooledLayer> IMAGES =
      List.of(
          new PooledLayer(1, 3, 1, 2, 2),
          new PooledLayer(2, 3, 5, 6, 8),
          new PooledLayer(2, 3, 8, 4, 6),
          new PooledLayer(1, 3, 2, 4, 6),
          new PooledLayer(1, 3, 33, 10, 34),
          new PooledLayer(3, 3, 32, 16, 16),
          new PooledLayer(2, 3, 64, 16, 18),
          new PooledLayer(1, 3, 12, 32, 32));

  private ImageConvolutionCases() {}

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    for (boolean whole : new boolean[] {false, true}) {
      for (PooledLayer layer : IMAGES) {
        cases.add(forward(layer, whole));
      }
    }
    return cases;
  }

  /** A layer of whole tiles, as that of CIFAR-10 is. */
  static Stream<KernelCase> counted() {
    PooledLayer layer = new PooledLayer(2, 3, 32, 32, 32);
    return Stream.of(forward(layer, false));
  }

  /**
   * No two sums of a window of the drawn numbers are nearer than their rounding, or the mask would
   * tell. Whole numbers have exact ties, which go to the first, and one NaN.
   */
  private static KernelCase forward(PooledLayer layer, boolean whole) {
    Random random = new Random(layer.hashCode());
    float[] x = numbers(random, layer.pixels(), whole);
    float[] weight = numbers(random, layer.channels() * layer.taps(), whole);
    float[] bias = numbers(random, layer.channels(), whole);
    if (whole) {
      x[x.length / 2] = Float.NaN;
    }
    double[] pooled = new double[layer.windows()];
    double[] tolerance = new double[pooled.length];
    byte[] mask = new byte[pooled.length];
    layer.forEachWindow(
        (at, image, channel, row, column) -> {
          mask[at] = DEAD;
          for (int i = 0; i < 4; i++) {
            double sum = bias[channel];
            double absolute = Math.abs(bias[channel]);
            for (int tap = 0; tap < layer.taps(); tap++) {
              int pixel = layer.under(tap, image, 2 * row + i / 2, 2 * column + i % 2);
              double product =
                  pixel < 0 ? 0 : (double) weight[channel * layer.taps() + tap] * x[pixel];
              sum += product;
              absolute += Math.abs(product);
            }
            tolerance[at] = Math.max(tolerance[at], whole ? 0 : 1e-6 * absolute);
            if (sum > pooled[at] || Double.isNaN(sum)) {
              pooled[at] = sum;
              mask[at] = (byte) i;
            }
          }
        });
    return new KernelCase(ImageConvolutionKernels.POOL, layer.sizes(), whole ? "whole numbers" : "")
        .in("x", x)
        .in("weight", weight)
        .in("bias", bias)
        .out("pooled", Expected.near(pooled, tolerance))
        .out("mask", Expected.bytes(mask));
  }
}
