package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.ConvolutionKernels;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * The convolutions on tensor cores: plain loops in float64 over factors that are rounded to TF32
 * here. Each product of eight channels and a tap is off by 2^-20 of the sum over its absolute
 * values at most, and so is what it is added to: so many products, so many times 2^-20 of the sum
 * over all. Whole numbers lose nothing and must come out to the bit.
 */
final class ConvolutionCases {
  private static final int TAPS = 9;
  private static final int DEAD = 4;
  private static final int CHANNELS_OF_PRODUCT = 8;
  private static final double ERROR_OF_PRODUCT = 0x1p-20;

  /** A layer; height and width are those of its input. */
  private record Layer(int images, int inputs, int channels, int height, int width) {
    KernelSizes sizes() {
      return KernelSizes.of("images", images, "channels", channels)
          .and("inputs", inputs)
          .and("height", height)
          .and("width", width);
    }

    int windows() {
      return images * channels * (height / 2) * (width / 2);
    }

    int window(int image, int channel, int row, int column) {
      return ((image * channels + channel) * (height / 2) + row) * (width / 2) + column;
    }

    int filter(int channel, int input, int tap) {
      return (channel * inputs + input) * TAPS + tap;
    }

    /** The place of the pixel under a tap of pixel (row, column), or -1 in the border. */
    int under(int tap, int image, int input, int row, int column) {
      int y = row + tap / 3 - 1;
      int x = column + tap % 3 - 1;
      return y < 0 || y >= height || x < 0 || x >= width
          ? -1
          : ((image * inputs + input) * height + y) * width + x;
    }
  }

  /**
   * Tiles are 16 x 8 pixels, eight channels are summed at a time: below, at and above both, and
   * widths of every kind that a pool takes.
   */
  private static final List<Layer> LAYERS =
      List.of(
          new Layer(1, 1, 1, 2, 2),
          new Layer(2, 5, 7, 6, 4),
          new Layer(2, 8, 8, 8, 16),
          new Layer(1, 9, 9, 10, 18),
          new Layer(1, 3, 12, 4, 34),
          new Layer(1, 17, 20, 24, 6));

  /** Forward a block has 64 outputs. */
  private static final List<Layer> FORWARD =
      List.of(new Layer(1, 16, 64, 8, 16), new Layer(1, 4, 65, 2, 4), new Layer(3, 2, 40, 16, 16));

  /** Backward a block has 32 or 64 inputs. */
  private static final List<Layer> BACKWARD =
      List.of(
          new Layer(1, 32, 16, 8, 16),
          new Layer(1, 33, 4, 2, 4),
          new Layer(1, 64, 9, 8, 16),
          new Layer(1, 65, 3, 4, 2),
          new Layer(3, 40, 2, 16, 16));

  private ConvolutionCases() {}

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    for (boolean whole : new boolean[] {false, true}) {
      for (Layer layer : Stream.concat(LAYERS.stream(), FORWARD.stream()).toList()) {
        cases.add(forward(layer, whole));
      }
      for (Layer layer : Stream.concat(LAYERS.stream(), BACKWARD.stream()).toList()) {
        cases.add(backward(layer, 32, whole));
        cases.add(backward(layer, 64, whole));
      }
    }
    return cases;
  }

  /** The second layers of CIFAR-10's student and teacher. */
  static Stream<KernelCase> counted() {
    Layer student = new Layer(2, 32, 64, 16, 16);
    Layer teacher = new Layer(2, 64, 128, 16, 16);
    return Stream.of(
        forward(student, false),
        forward(teacher, false),
        backward(student, 32, false),
        backward(teacher, 64, false));
  }

  private static float[] numbers(Random random, int n, boolean whole) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = number(random, whole);
    }
    return values;
  }

  private static float number(Random random, boolean whole) {
    return whole ? random.nextInt(-4, 5) : (float) random.nextGaussian();
  }

  /** To 10 bits of fraction, to nearest, ties away from zero; no exponent here is near an end. */
  private static double toTf32(float x) {
    if (x == 0 || Float.isNaN(x)) {
      return x;
    }
    double unit = Math.scalb(1.0, Math.getExponent(x) - 10);
    return Math.copySign(Math.floor(Math.abs(x) / unit + 0.5) * unit, x);
  }

  private static double tolerance(int summedChannels, double absolute, boolean whole) {
    int products = TAPS * Math.ceilDiv(summedChannels, CHANNELS_OF_PRODUCT);
    return whole ? 0 : products * ERROR_OF_PRODUCT * absolute;
  }

  /** What must come out of the forward pass. */
  private record Pooled(double[] values, double[] tolerances, byte[] mask) {}

  /**
   * Whole numbers have exact ties, which go to the first, and one NaN. Others must not be near one,
   * or the mask would tell: the filters of an output are drawn anew until none of its windows is.
   */
  private static KernelCase forward(Layer layer, boolean whole) {
    Random random = new Random(layer.hashCode());
    float[] x =
        numbers(random, layer.images() * layer.inputs() * layer.height() * layer.width(), whole);
    if (whole) {
      x[x.length / 2] = Float.NaN;
    }
    float[] weight = new float[layer.channels() * layer.inputs() * TAPS];
    float[] bias = new float[layer.channels()];
    Pooled pooled =
        new Pooled(
            new double[layer.windows()], new double[layer.windows()], new byte[layer.windows()]);
    for (int channel = 0; channel < layer.channels(); channel++) {
      do {
        for (int i = 0; i < layer.inputs() * TAPS; i++) {
          weight[layer.filter(channel, 0, i)] = number(random, whole);
        }
        bias[channel] = number(random, whole);
      } while (!poolOutput(layer, channel, x, weight, bias[channel], whole, pooled));
    }
    return new KernelCase(ConvolutionKernels.POOL, layer.sizes(), whole ? "whole numbers" : "")
        .in("x", x)
        .in("weight", weight)
        .in("bias", bias)
        .out("pooled", Expected.near(pooled.values, pooled.tolerances))
        .out("mask", Expected.bytes(pooled.mask));
  }

  /** Pools one output; returns whether it is certain what every window keeps. */
  private static boolean poolOutput(
      Layer layer,
      int channel,
      float[] x,
      float[] weight,
      float bias,
      boolean whole,
      Pooled pooled) {
    boolean certain = true;
    for (int image = 0; image < layer.images(); image++) {
      for (int row = 0; row < layer.height() / 2; row++) {
        for (int column = 0; column < layer.width() / 2; column++) {
          double largest = 0;
          double second = 0;
          double tolerance = 0;
          int index = DEAD;
          for (int i = 0; i < 4; i++) {
            double sum = bias;
            double absolute = 0;
            for (int input = 0; input < layer.inputs(); input++) {
              for (int tap = 0; tap < TAPS; tap++) {
                int pixel = layer.under(tap, image, input, 2 * row + i / 2, 2 * column + i % 2);
                double product =
                    pixel < 0
                        ? 0
                        : toTf32(weight[layer.filter(channel, input, tap)]) * toTf32(x[pixel]);
                sum += product;
                absolute += Math.abs(product);
              }
            }
            double rounding = whole ? 0 : 0x1p-23 * (absolute + Math.abs(bias));
            tolerance = Math.max(tolerance, tolerance(layer.inputs(), absolute, whole) + rounding);
            if (sum > largest || Double.isNaN(sum)) {
              second = largest;
              largest = sum;
              index = i;
            } else {
              second = Math.max(second, sum);
            }
          }
          certain &= whole || largest - second > 2 * tolerance || index == DEAD;
          int window = layer.window(image, channel, row, column);
          pooled.values[window] = largest;
          pooled.tolerances[window] = tolerance;
          pooled.mask[window] = (byte) index;
        }
      }
    }
    return certain;
  }

  /** Where the mask names no pixel nothing passes, a NaN neither; where it does, a NaN does. */
  private static KernelCase backward(Layer layer, int inputsOfBlock, boolean whole) {
    Random random = new Random(~layer.hashCode());
    float[] weight = numbers(random, layer.channels() * layer.inputs() * TAPS, whole);
    float[] dPooled = numbers(random, layer.windows(), whole);
    byte[] mask = new byte[layer.windows()];
    for (int window = 0; window < mask.length; window++) {
      mask[window] = (byte) random.nextInt(DEAD + 1);
      if (mask[window] == DEAD && random.nextBoolean() || whole && window == mask.length / 2) {
        dPooled[window] = Float.NaN;
      }
    }
    double[] dx = new double[layer.images() * layer.inputs() * layer.height() * layer.width()];
    double[] absolute = new double[dx.length];
    for (int image = 0; image < layer.images(); image++) {
      for (int channel = 0; channel < layer.channels(); channel++) {
        for (int row = 0; row < layer.height() / 2; row++) {
          for (int column = 0; column < layer.width() / 2; column++) {
            int window = layer.window(image, channel, row, column);
            int from = mask[window];
            for (int i = 0; from != DEAD && i < layer.inputs() * TAPS; i++) {
              int input = i / TAPS;
              int tap = i % TAPS;
              int pixel = layer.under(tap, image, input, 2 * row + from / 2, 2 * column + from % 2);
              if (pixel >= 0) {
                double product =
                    toTf32(weight[layer.filter(channel, input, tap)]) * toTf32(dPooled[window]);
                dx[pixel] += product;
                absolute[pixel] += Math.abs(product);
              }
            }
          }
        }
      }
    }
    double[] tolerances = new double[dx.length];
    for (int i = 0; i < dx.length; i++) {
      tolerances[i] = tolerance(layer.channels(), absolute[i], whole);
    }
    return new KernelCase(
            inputsOfBlock == 32
                ? ConvolutionKernels.POOL_BACKWARD_C32
                : ConvolutionKernels.POOL_BACKWARD_C64,
            layer.sizes(),
            whole ? "whole numbers" : "")
        .in("dPooled", dPooled)
        .in("mask", mask)
        .in("weight", weight)
        .out("dx", Expected.near(dx, tolerances));
  }
}
