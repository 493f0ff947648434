package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.ImageConvolutionKernels;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * The first layer: plain loops in float64 over every pixel and tap. Sums of 27 products, and of the
 * windows of all images, keep to 1e-6 of the same sums over absolute values; images, filters and
 * gradients of whole numbers give whole sums, which must come out to the bit.
 */
final class ImageConvolutionCases {
  private static final int INPUTS = ImageConvolutionKernels.IN_CHANNELS;
  private static final int TAPS = ImageConvolutionKernels.SUMS - 1;
  private static final int DEAD = 4;

  /** A layer; height and width are those of the images. */
  private record Layer(int images, int channels, int height, int width) {
    int windows() {
      return images * height / 2 * (width / 2);
    }

    KernelSizes sizes() {
      return KernelSizes.of("images", images, "channels", channels)
          .and("height", height)
          .and("width", width);
    }

    /** The place of a window in what follows the pool. */
    int place(boolean nhwc, int image, int channel, int row, int column) {
      return nhwc
          ? ((image * height / 2 + row) * (width / 2) + column) * channels + channel
          : ((image * channels + channel) * height / 2 + row) * (width / 2) + column;
    }

    /** The place of a pixel in the images, or -1 in the border. */
    int pixel(int image, int input, int row, int column) {
      return row < 0 || row >= height || column < 0 || column >= width
          ? -1
          : ((image * INPUTS + input) * height + row) * width + column;
    }
  }

  /**
   * Tiles are 8 x 32 pixels and 32 outputs: below, at and above them, and more tiles than blocks.
   */
  private static final List<Layer> LAYERS =
      List.of(
          new Layer(1, 1, 2, 2),
          new Layer(2, 5, 6, 8),
          new Layer(1, 33, 10, 34),
          new Layer(3, 32, 8, 32),
          new Layer(2, 64, 16, 16),
          new Layer(1, 12, 32, 32),
          new Layer(130, 2, 16, 6));

  private ImageConvolutionCases() {}

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    for (Layer layer : LAYERS) {
      for (boolean whole : new boolean[] {false, true}) {
        cases.add(forward(ImageConvolutionKernels.POOL_NCHW, layer, false, whole));
        cases.add(forward(ImageConvolutionKernels.POOL_NHWC, layer, true, whole));
        cases.add(backward(ImageConvolutionKernels.BACKWARD_NCHW, layer, false, whole));
        cases.add(backward(ImageConvolutionKernels.BACKWARD_NHWC, layer, true, whole));
      }
    }
    for (int count : new int[] {1, 7, 8, 65, 256}) {
      for (int channels : new int[] {1, 8, 33}) {
        cases.add(gradient(count, channels));
      }
    }
    return cases;
  }

  private static float[] numbers(Random random, int n, boolean whole) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = whole ? random.nextInt(-4, 5) : (float) random.nextGaussian();
    }
    return values;
  }

  /**
   * Where two of a window's sums are nearer than their rounding, either may be the largest; drawn
   * again until none are, but for whole numbers, whose ties are exact and go to the first.
   */
  private static KernelCase forward(
      KernelSignature kernel, Layer layer, boolean nhwc, boolean whole) {
    Random random = new Random(layer.hashCode());
    float[] x = numbers(random, layer.images() * INPUTS * layer.height() * layer.width(), whole);
    float[] weight = numbers(random, layer.channels() * TAPS, whole);
    float[] bias = numbers(random, layer.channels(), whole);
    if (whole) {
      x[x.length / 2] = Float.NaN;
    }
    double[] pooled = new double[layer.windows() * layer.channels()];
    double[] tolerance = new double[pooled.length];
    byte[] mask = new byte[pooled.length];
    for (int image = 0; image < layer.images(); image++) {
      for (int channel = 0; channel < layer.channels(); channel++) {
        for (int row = 0; row < layer.height() / 2; row++) {
          for (int column = 0; column < layer.width() / 2; column++) {
            int at = layer.place(nhwc, image, channel, row, column);
            double largest = 0;
            int from = DEAD;
            for (int i = 0; i < 4; i++) {
              double sum = bias[channel];
              double absolute = Math.abs(bias[channel]);
              for (int tap = 0; tap < TAPS; tap++) {
                int pixel =
                    layer.pixel(
                        image,
                        tap / 9,
                        2 * row + i / 2 + tap / 3 % 3 - 1,
                        2 * column + i % 2 + tap % 3 - 1);
                double product = pixel < 0 ? 0 : (double) weight[channel * TAPS + tap] * x[pixel];
                sum += product;
                absolute += Math.abs(product);
              }
              tolerance[at] = Math.max(tolerance[at], whole ? 0 : 1e-6 * absolute);
              if (sum > largest || Double.isNaN(sum)) {
                largest = sum;
                from = i;
              }
            }
            pooled[at] = largest;
            mask[at] = (byte) from;
          }
        }
      }
    }
    return new KernelCase(kernel, layer.sizes(), whole ? "whole numbers" : "")
        .in("x", x)
        .in("weight", weight)
        .in("bias", bias)
        .out("pooled", Expected.near(pooled, tolerance))
        .out("mask", Expected.bytes(mask));
  }

  private static KernelCase backward(
      KernelSignature kernel, Layer layer, boolean nhwc, boolean whole) {
    Random random = new Random(~layer.hashCode());
    float[] x = numbers(random, layer.images() * INPUTS * layer.height() * layer.width(), whole);
    float[] dPooled = numbers(random, layer.windows() * layer.channels(), whole);
    byte[] mask = new byte[dPooled.length];
    int count = ImageConvolutionKernels.partials(layer.sizes());
    double[] partials = new double[count * ImageConvolutionKernels.SUMS * layer.channels()];
    double[] tolerance = new double[partials.length];
    for (int image = 0; image < layer.images(); image++) {
      for (int channel = 0; channel < layer.channels(); channel++) {
        for (int row = 0; row < layer.height() / 2; row++) {
          for (int column = 0; column < layer.width() / 2; column++) {
            int at = layer.place(nhwc, image, channel, row, column);
            mask[at] = (byte) random.nextInt(DEAD + 1);
            if (mask[at] == DEAD) {
              // No gradient passes, whatever it is.
              dPooled[at] = random.nextBoolean() ? Float.NaN : dPooled[at];
              continue;
            }
            int block = tile(layer, image, row, column) % count;
            for (int tap = 0; tap <= TAPS; tap++) {
              int pixel =
                  layer.pixel(
                      image,
                      tap / 9,
                      2 * row + mask[at] / 2 + tap / 3 % 3 - 1,
                      2 * column + mask[at] % 2 + tap % 3 - 1);
              double product = tap == TAPS ? 1 : pixel < 0 ? 0 : x[pixel];
              product *= dPooled[at];
              int partial =
                  (block * ImageConvolutionKernels.SUMS + tap) * layer.channels() + channel;
              partials[partial] += product;
              tolerance[partial] += whole ? 0 : 1e-6 * Math.abs(product);
            }
          }
        }
      }
    }
    return new KernelCase(kernel, layer.sizes(), whole ? "whole numbers" : "")
        .in("dPooled", dPooled)
        .in("mask", mask)
        .in("x", x)
        .out("partials", Expected.near(partials, tolerance));
  }

  private static int tile(Layer layer, int image, int row, int column) {
    int across = Math.ceilDiv(layer.width() / 2, 16);
    int down = Math.ceilDiv(layer.height() / 2, 4);
    return (image * down + row / 4) * across + column / 16;
  }

  private static KernelCase gradient(int count, int channels) {
    Random random = new Random(count);
    float[] partials = numbers(random, count * ImageConvolutionKernels.SUMS * channels, false);
    double[] weight = new double[TAPS * channels];
    double[] weightTolerance = new double[weight.length];
    double[] bias = new double[channels];
    double[] biasTolerance = new double[channels];
    for (int i = 0; i < partials.length; i++) {
      int channel = i % channels;
      int tap = i / channels % ImageConvolutionKernels.SUMS;
      double absolute = 1e-6 * Math.abs(partials[i]);
      if (tap < TAPS) {
        weight[channel * TAPS + tap] += partials[i];
        weightTolerance[channel * TAPS + tap] += absolute;
      } else {
        bias[channel] += partials[i];
        biasTolerance[channel] += absolute;
      }
    }
    return new KernelCase(
            ImageConvolutionKernels.GRADIENT,
            KernelSizes.of("count", count, "channels", channels),
            "")
        .in("partials", partials)
        .out("dWeight", Expected.near(weight, weightTolerance))
        .out("dBias", Expected.near(bias, biasTolerance));
  }
}
