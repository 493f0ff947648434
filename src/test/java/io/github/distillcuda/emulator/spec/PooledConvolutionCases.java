package io.github.distillcuda.emulator.spec;

import static io.github.distillcuda.emulator.spec.PooledLayer.DEAD;
import static io.github.distillcuda.emulator.spec.PooledLayer.TENSOR_CORE_ERROR;
import static io.github.distillcuda.emulator.spec.PooledLayer.numbers;
import static io.github.distillcuda.emulator.spec.PooledLayer.tf32;

import io.github.distillcuda.cuda.kernels.FilterGradientKernels;
import io.github.distillcuda.cuda.kernels.ImageConvolutionKernels;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * The first layer forward, and the gradients of the filters and biases of any convolution before a
 * pool: plain loops in float64 over every pixel and tap. Sums keep to 1e-6 of the same sums over
 * absolute values, those of tensor cores to what their instruction may err; images, filters and
 * gradients of whole numbers give whole sums, which must come out to the bit.
 */
final class PooledConvolutionCases {
  /**
   * Tiles are 16 x 16 pixels and 32 outputs: below, at and above them. Threads have 8 outputs: with
   * 8 in all, those of the others begin where the outputs end.
   */
  private static final List<PooledLayer> IMAGES =
      List.of(
          new PooledLayer(1, 3, 1, 2, 2),
          new PooledLayer(2, 3, 5, 6, 8),
          new PooledLayer(2, 3, 8, 4, 6),
          new PooledLayer(1, 3, 2, 4, 6),
          new PooledLayer(1, 3, 33, 10, 34),
          new PooledLayer(3, 3, 32, 16, 16),
          new PooledLayer(2, 3, 64, 16, 18),
          new PooledLayer(1, 3, 12, 32, 32));

  /** More tiles than the blocks of the gradients. */
  private static final PooledLayer MANY = new PooledLayer(260, 3, 8, 4, 6);

  /** Three inputs at a time: below and above. */
  private static final List<PooledLayer> INNER =
      List.of(
          new PooledLayer(1, 1, 1, 2, 2),
          new PooledLayer(2, 2, 7, 4, 18),
          new PooledLayer(3, 4, 33, 16, 16),
          new PooledLayer(2, 8, 16, 8, 8),
          new PooledLayer(9, 32, 64, 4, 4));

  /**
   * Tiles are 8 x 16 pixels, 16 inputs and 32 outputs: below, at and above them. The last three
   * have up to four tiles a block, which are 7 tiles, 14 and 3 apart: within an image, over images
   * and both.
   */
  private static final List<PooledLayer> TENSOR_CORES =
      List.of(
          new PooledLayer(1, 1, 1, 2, 2),
          new PooledLayer(2, 2, 7, 4, 18),
          new PooledLayer(1, 3, 33, 10, 34),
          new PooledLayer(1, 16, 32, 8, 16),
          new PooledLayer(3, 17, 16, 16, 16),
          new PooledLayer(3, 5, 9, 20, 36),
          new PooledLayer(9, 2, 3, 10, 34),
          new PooledLayer(9, 32, 64, 4, 4));

  /**
   * A first stage of the gradients.
   *
   * @param tileRows of windows; columns are 8
   * @param productsATile by which a sum grows one after the other on tensor cores, else 0
   */
  private record FirstStage(KernelSignature kernel, boolean nhwc, int tileRows, int productsATile) {
    int tile(PooledLayer layer, int image, int row, int column) {
      int across = Math.ceilDiv(layer.width() / 2, 8);
      int down = Math.ceilDiv(layer.height() / 2, tileRows);
      return (image * down + row / tileRows) * across + column / 8;
    }

    int tiles(PooledLayer layer) {
      return 1 + tile(layer, layer.images() - 1, layer.height() / 2 - 1, layer.width() / 2 - 1);
    }

    /** A factor as it is multiplied. */
    double factor(double value) {
      return productsATile > 0 ? tf32(value) : value;
    }
  }

  private static final FirstStage NCHW =
      new FirstStage(FilterGradientKernels.PARTIALS_NCHW, false, 8, 0);
  private static final FirstStage NHWC =
      new FirstStage(FilterGradientKernels.PARTIALS_NHWC, true, 8, 0);

  /** A warp has half of a tile's columns, eight pixels a row and product. */
  private static final FirstStage NCHW_TF32 =
      new FirstStage(FilterGradientKernels.PARTIALS_NCHW_TF32, false, 4, 8);

  /** What is special about a case's numbers. */
  private enum Numbers {
    DRAWN(""),
    WHOLE("whole numbers"),
    NAN("one gradient that passes is NaN");

    private final String description;

    Numbers(String description) {
      this.description = description;
    }
  }

  private PooledConvolutionCases() {}

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    for (boolean whole : new boolean[] {false, true}) {
      for (PooledLayer layer : IMAGES) {
        cases.add(forward(ImageConvolutionKernels.POOL_NCHW, layer, false, whole));
        cases.add(forward(ImageConvolutionKernels.POOL_NHWC, layer, true, whole));
      }
    }
    for (Numbers numbers : Numbers.values()) {
      for (PooledLayer layer : Stream.concat(IMAGES.stream(), INNER.stream()).toList()) {
        cases.add(partials(NCHW, layer, numbers));
        cases.add(partials(NHWC, layer, numbers));
      }
      TENSOR_CORES.forEach(layer -> cases.add(partials(NCHW_TF32, layer, numbers)));
    }
    cases.add(partials(NCHW, MANY, Numbers.WHOLE));
    cases.add(partials(NHWC, MANY, Numbers.WHOLE));
    // Lines of 0, 1, 2, 3 and more partials each: the loop takes four at a time.
    for (int count : new int[] {1, 7, 8, 21, 65, 256}) {
      for (int channels : new int[] {1, 8, 33}) {
        cases.add(sum(count, 3, channels));
        cases.add(sum(count, 7, channels));
      }
    }
    return cases;
  }

  /** Layers of whole tiles, as those of CIFAR-10 are. */
  static Stream<KernelCase> counted() {
    PooledLayer first = new PooledLayer(2, 3, 32, 32, 32);
    PooledLayer second = new PooledLayer(2, 32, 64, 16, 16);
    return Stream.of(
        forward(ImageConvolutionKernels.POOL_NCHW, first, false, false),
        forward(ImageConvolutionKernels.POOL_NHWC, first, true, false),
        partials(NCHW, first, Numbers.DRAWN),
        partials(NHWC, first, Numbers.DRAWN),
        partials(NCHW, second, Numbers.DRAWN),
        partials(NCHW_TF32, first, Numbers.DRAWN),
        partials(NCHW_TF32, second, Numbers.DRAWN),
        sum(64, 3, 32),
        sum(12, 32, 64));
  }

  /**
   * No two sums of a window of the drawn numbers are nearer than their rounding, or the mask would
   * tell. Whole numbers have exact ties, which go to the first, and one NaN.
   */
  private static KernelCase forward(
      KernelSignature kernel, PooledLayer layer, boolean nhwc, boolean whole) {
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
        nhwc,
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
    return new KernelCase(kernel, layer.sizes(), whole ? "whole numbers" : "")
        .in("x", x)
        .in("weight", weight)
        .in("bias", bias)
        .out("pooled", Expected.near(pooled, tolerance))
        .out("mask", Expected.bytes(mask));
  }

  /**
   * On tensor cores each of a sum's products, and what adds its two halves, may err by {@link
   * PooledLayer#TENSOR_CORE_ERROR} of the absolute values so far, which are at most all of them.
   * The bias is a sum of float32 everywhere.
   */
  private static KernelCase partials(FirstStage stage, PooledLayer layer, Numbers numbers) {
    boolean whole = numbers == Numbers.WHOLE;
    Random random = new Random(~layer.hashCode());
    float[] x = numbers(random, layer.pixels(), whole);
    float[] dPooled = numbers(random, layer.windows(), whole);
    byte[] mask = new byte[dPooled.length];
    int notANumber = numbers == Numbers.NAN ? dPooled.length / 2 : -1;
    int count = FilterGradientKernels.count(stage.kernel(), layer.sizes());
    int products = Math.ceilDiv(stage.tiles(layer), count) * stage.productsATile() + 1;
    double error = stage.productsATile() > 0 ? products * TENSOR_CORE_ERROR : 1e-6;
    int bias = layer.taps();
    double[] partials = new double[count * (bias + 1) * layer.channels()];
    double[] tolerance = new double[partials.length];
    layer.forEachWindow(
        stage.nhwc(),
        (at, image, channel, row, column) -> {
          int from = at == notANumber ? random.nextInt(DEAD) : random.nextInt(DEAD + 1);
          mask[at] = (byte) from;
          if (at == notANumber) {
            dPooled[at] = Float.NaN;
          } else if (from == DEAD) {
            // No gradient passes, whatever it is.
            dPooled[at] = random.nextBoolean() ? Float.NaN : dPooled[at];
            return;
          }
          int first = stage.tile(layer, image, row, column) % count * (bias + 1);
          double gradient = stage.factor(dPooled[at]);
          for (int tap = 0; tap < layer.taps(); tap++) {
            int pixel = layer.under(tap, image, 2 * row + from / 2, 2 * column + from % 2);
            double product = pixel < 0 ? 0 * gradient : stage.factor(x[pixel]) * gradient;
            int partial = (first + tap) * layer.channels() + channel;
            partials[partial] += product;
            tolerance[partial] += whole ? 0 : error * Math.abs(product);
          }
          int partial = (first + bias) * layer.channels() + channel;
          partials[partial] += dPooled[at];
          tolerance[partial] += whole ? 0 : 1e-6 * Math.abs(dPooled[at]);
        });
    return new KernelCase(stage.kernel(), layer.sizes(), numbers.description)
        .in("dPooled", dPooled)
        .in("mask", mask)
        .in("x", x)
        .out("partials", Expected.near(partials, tolerance));
  }

  private static KernelCase sum(int count, int inputs, int channels) {
    int sums = 9 * inputs + 1;
    float[] partials = numbers(new Random(count), count * sums * channels, false);
    double[] weight = new double[channels * inputs * 9];
    double[] weightTolerance = new double[weight.length];
    double[] bias = new double[channels];
    double[] biasTolerance = new double[channels];
    for (int i = 0; i < partials.length; i++) {
      int channel = i % channels;
      int tap = i / channels % sums;
      double absolute = 1e-6 * Math.abs(partials[i]);
      if (tap == 9 * inputs) {
        bias[channel] += partials[i];
        biasTolerance[channel] += absolute;
      } else {
        weight[channel * 9 * inputs + tap] += partials[i];
        weightTolerance[channel * 9 * inputs + tap] += absolute;
      }
    }
    return new KernelCase(
            FilterGradientKernels.SUM,
            KernelSizes.of("count", count, "channels", channels).and("inputs", inputs),
            "")
        .in("partials", partials)
        .out("dWeight", Expected.near(weight, weightTolerance))
        .out("dBias", Expected.near(bias, biasTolerance));
  }
}
