package io.github.distillcuda.emulator.spec;

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
 * absolute values; images, filters and gradients of whole numbers give whole sums, which must come
 * out to the bit.
 */
final class PooledConvolutionCases {
  private static final int SUMS = FilterGradientKernels.SUMS;
  private static final int DEAD = 4;

  /** A layer; height and width are those of its input. */
  private record Layer(int images, int inputs, int channels, int height, int width) {
    int windows() {
      return images * (height / 2) * (width / 2);
    }

    int taps() {
      return 9 * inputs;
    }

    KernelSizes sizes() {
      return KernelSizes.of("images", images, "channels", channels)
          .and("inputs", inputs)
          .and("height", height)
          .and("width", width);
    }

    /** The place of a window in what follows the pool. */
    int place(boolean nhwc, int image, int channel, int row, int column) {
      return nhwc
          ? ((image * (height / 2) + row) * (width / 2) + column) * channels + channel
          : ((image * channels + channel) * (height / 2) + row) * (width / 2) + column;
    }

    /** The place of the pixel under a tap of pixel (row, column), or -1 in the border. */
    int under(int tap, int image, int input, int row, int column) {
      int y = row + tap / 3 % 3 - 1;
      int x = column + tap % 3 - 1;
      return y < 0 || y >= height || x < 0 || x >= width
          ? -1
          : ((image * inputs + input) * height + y) * width + x;
    }
  }

  /**
   * Tiles are 16 x 16 pixels and 32 outputs: below, at and above them. Threads have 8 outputs: with
   * 8 in all, those of the others begin where the outputs end.
   */
  private static final List<Layer> IMAGES =
      List.of(
          new Layer(1, 3, 1, 2, 2),
          new Layer(2, 3, 5, 6, 8),
          new Layer(2, 3, 8, 4, 6),
          new Layer(1, 3, 2, 4, 6),
          new Layer(1, 3, 33, 10, 34),
          new Layer(3, 3, 32, 16, 16),
          new Layer(2, 3, 64, 16, 18),
          new Layer(1, 3, 12, 32, 32));

  /** More tiles than the blocks of the gradients. */
  private static final Layer MANY = new Layer(260, 3, 8, 4, 6);

  /** Three inputs at a time: below and above. */
  private static final List<Layer> INNER =
      List.of(
          new Layer(1, 1, 1, 2, 2),
          new Layer(2, 2, 7, 4, 18),
          new Layer(3, 4, 33, 16, 16),
          new Layer(2, 8, 16, 8, 8),
          new Layer(9, 32, 64, 4, 4));

  private PooledConvolutionCases() {}

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    for (boolean whole : new boolean[] {false, true}) {
      for (Layer layer : IMAGES) {
        cases.add(forward(ImageConvolutionKernels.POOL_NCHW, layer, false, whole));
        cases.add(forward(ImageConvolutionKernels.POOL_NHWC, layer, true, whole));
      }
      for (Layer layer : Stream.concat(IMAGES.stream(), INNER.stream()).toList()) {
        cases.add(partials(FilterGradientKernels.PARTIALS_NCHW, layer, false, whole));
        cases.add(partials(FilterGradientKernels.PARTIALS_NHWC, layer, true, whole));
      }
    }
    cases.add(partials(FilterGradientKernels.PARTIALS_NCHW, MANY, false, true));
    cases.add(partials(FilterGradientKernels.PARTIALS_NHWC, MANY, true, true));
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
    Layer first = new Layer(2, 3, 32, 32, 32);
    Layer second = new Layer(2, 32, 64, 16, 16);
    return Stream.of(
        forward(ImageConvolutionKernels.POOL_NCHW, first, false, false),
        forward(ImageConvolutionKernels.POOL_NHWC, first, true, false),
        partials(FilterGradientKernels.PARTIALS_NCHW, first, false, false),
        partials(FilterGradientKernels.PARTIALS_NHWC, first, true, false),
        partials(FilterGradientKernels.PARTIALS_NCHW, second, false, false),
        sum(64, 3, 32),
        sum(12, 32, 64));
  }

  private static float[] numbers(Random random, int n, boolean whole) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = whole ? random.nextInt(-4, 5) : (float) random.nextGaussian();
    }
    return values;
  }

  private static float[] pixels(Random random, Layer layer, boolean whole) {
    return numbers(random, layer.images() * layer.inputs() * layer.height() * layer.width(), whole);
  }

  /** A window of the pool; {@code at} is its place behind it. */
  private interface WindowAction {
    void run(int at, int image, int channel, int row, int column);
  }

  private static void forEachWindow(Layer layer, boolean nhwc, WindowAction action) {
    for (int image = 0; image < layer.images(); image++) {
      for (int channel = 0; channel < layer.channels(); channel++) {
        for (int row = 0; row < layer.height() / 2; row++) {
          for (int column = 0; column < layer.width() / 2; column++) {
            int at = layer.place(nhwc, image, channel, row, column);
            action.run(at, image, channel, row, column);
          }
        }
      }
    }
  }

  /**
   * No two sums of a window of the drawn numbers are nearer than their rounding, or the mask would
   * tell. Whole numbers have exact ties, which go to the first, and one NaN.
   */
  private static KernelCase forward(
      KernelSignature kernel, Layer layer, boolean nhwc, boolean whole) {
    Random random = new Random(layer.hashCode());
    float[] x = pixels(random, layer, whole);
    float[] weight = numbers(random, layer.channels() * layer.taps(), whole);
    float[] bias = numbers(random, layer.channels(), whole);
    if (whole) {
      x[x.length / 2] = Float.NaN;
    }
    double[] pooled = new double[layer.windows() * layer.channels()];
    double[] tolerance = new double[pooled.length];
    byte[] mask = new byte[pooled.length];
    forEachWindow(
        layer,
        nhwc,
        (at, image, channel, row, column) -> {
          mask[at] = DEAD;
          for (int i = 0; i < 4; i++) {
            double sum = bias[channel];
            double absolute = Math.abs(bias[channel]);
            for (int tap = 0; tap < layer.taps(); tap++) {
              int pixel = layer.under(tap, image, tap / 9, 2 * row + i / 2, 2 * column + i % 2);
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

  private static KernelCase partials(
      KernelSignature kernel, Layer layer, boolean nhwc, boolean whole) {
    Random random = new Random(~layer.hashCode());
    float[] x = pixels(random, layer, whole);
    float[] dPooled = numbers(random, layer.windows() * layer.channels(), whole);
    byte[] mask = new byte[dPooled.length];
    int count = FilterGradientKernels.count(layer.sizes());
    int groups = Math.ceilDiv(layer.inputs(), FilterGradientKernels.INPUTS);
    double[] partials = new double[count * groups * SUMS * layer.channels()];
    double[] tolerance = new double[partials.length];
    forEachWindow(
        layer,
        nhwc,
        (at, image, channel, row, column) -> {
          int from = random.nextInt(DEAD + 1);
          mask[at] = (byte) from;
          if (from == DEAD) {
            // No gradient passes, whatever it is.
            dPooled[at] = random.nextBoolean() ? Float.NaN : dPooled[at];
            return;
          }
          int block = tile(layer, image, row, column) % count;
          for (int i = 0; i < groups * SUMS; i++) {
            int tap = i % SUMS;
            int input = i / SUMS * FilterGradientKernels.INPUTS + tap / 9;
            double factor = 1; // of the bias, which every group adds up
            if (tap < SUMS - 1) {
              int pixel =
                  input >= layer.inputs()
                      ? -1
                      : layer.under(tap, image, input, 2 * row + from / 2, 2 * column + from % 2);
              factor = pixel < 0 ? 0 : x[pixel];
            }
            int partial = (block * groups * SUMS + i) * layer.channels() + channel;
            partials[partial] += factor * dPooled[at];
            tolerance[partial] += whole ? 0 : 1e-6 * Math.abs(factor * dPooled[at]);
          }
        });
    return new KernelCase(kernel, layer.sizes(), whole ? "whole numbers" : "")
        .in("dPooled", dPooled)
        .in("mask", mask)
        .in("x", x)
        .out("partials", Expected.near(partials, tolerance));
  }

  private static int tile(Layer layer, int image, int row, int column) {
    int across = Math.ceilDiv(layer.width() / 2, 8);
    int down = Math.ceilDiv(layer.height() / 2, 8);
    return (image * down + row / 8) * across + column / 8;
  }

  private static KernelCase sum(int count, int inputs, int channels) {
    int groups = Math.ceilDiv(inputs, FilterGradientKernels.INPUTS);
    float[] partials = numbers(new Random(count), count * groups * SUMS * channels, false);
    double[] weight = new double[channels * inputs * 9];
    double[] weightTolerance = new double[weight.length];
    double[] bias = new double[channels];
    double[] biasTolerance = new double[channels];
    for (int i = 0; i < partials.length; i++) {
      int channel = i % channels;
      int tap = i / channels % SUMS;
      int group = i / channels / SUMS % groups;
      int input = group * FilterGradientKernels.INPUTS + tap / 9;
      double absolute = 1e-6 * Math.abs(partials[i]);
      if (tap == SUMS - 1 && group == 0) {
        bias[channel] += partials[i];
        biasTolerance[channel] += absolute;
      } else if (tap < SUMS - 1 && input < inputs) {
        weight[(channel * inputs + input) * 9 + tap % 9] += partials[i];
        weightTolerance[(channel * inputs + input) * 9 + tap % 9] += absolute;
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
