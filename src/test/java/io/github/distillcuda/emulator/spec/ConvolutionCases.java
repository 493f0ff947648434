package io.github.distillcuda.emulator.spec;

import static io.github.distillcuda.emulator.spec.PooledLayer.DEAD;
import static io.github.distillcuda.emulator.spec.PooledLayer.TAPS;
import static io.github.distillcuda.emulator.spec.PooledLayer.TENSOR_CORE_ERROR;
import static io.github.distillcuda.emulator.spec.PooledLayer.number;
import static io.github.distillcuda.emulator.spec.PooledLayer.numbers;
import static io.github.distillcuda.emulator.spec.PooledLayer.tf32;

import io.github.distillcuda.cuda.kernels.ConvolutionKernels;
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
  private static final int CHANNELS_OF_PRODUCT = 8;

  /**
   * Tiles are 16 x 8 pixels, eight channels are summed at a time: below, at and above both, and
   * widths of every kind that a pool takes.
   */
  private static final List<PooledLayer> LAYERS =
      List.of(
          new PooledLayer(1, 1, 1, 2, 2),
          new PooledLayer(2, 5, 7, 6, 4),
          new PooledLayer(2, 8, 8, 8, 16),
          new PooledLayer(1, 9, 9, 10, 18),
          new PooledLayer(1, 3, 12, 4, 34),
          new PooledLayer(1, 17, 20, 24, 6));

  /** Forward a block has 64 outputs. */
  private static final List<PooledLayer> FORWARD =
      List.of(
          new PooledLayer(1, 16, 64, 8, 16),
          new PooledLayer(1, 4, 65, 2, 4),
          new PooledLayer(3, 2, 40, 16, 16));

  /** Backward a block has 32 or 64 inputs. */
  private static final List<PooledLayer> BACKWARD =
      List.of(
          new PooledLayer(1, 32, 16, 8, 16),
          new PooledLayer(1, 33, 4, 2, 4),
          new PooledLayer(1, 64, 9, 8, 16),
          new PooledLayer(1, 65, 3, 4, 2),
          new PooledLayer(3, 40, 2, 16, 16));

  private ConvolutionCases() {}

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    for (boolean whole : new boolean[] {false, true}) {
      for (PooledLayer layer : Stream.concat(LAYERS.stream(), FORWARD.stream()).toList()) {
        cases.add(forward(layer, whole));
      }
      for (PooledLayer layer : Stream.concat(LAYERS.stream(), BACKWARD.stream()).toList()) {
        cases.add(backward(layer, 32, whole));
        cases.add(backward(layer, 64, whole));
      }
    }
    return cases;
  }

  /** The second layers of CIFAR-10's student and teacher. */
  static Stream<KernelCase> counted() {
    PooledLayer student = new PooledLayer(2, 32, 64, 16, 16);
    PooledLayer teacher = new PooledLayer(2, 64, 128, 16, 16);
    return Stream.of(
        forward(student, false),
        forward(teacher, false),
        backward(student, 32, false),
        backward(teacher, 64, false));
  }

  private static double tolerance(int summedChannels, double absolute, boolean whole) {
    int products = TAPS * Math.ceilDiv(summedChannels, CHANNELS_OF_PRODUCT);
    return whole ? 0 : products * TENSOR_CORE_ERROR * absolute;
  }

  /** What must come out of the forward pass. */
  private record Pooled(double[] values, double[] tolerances, byte[] mask) {}

  /**
   * Whole numbers have exact ties, which go to the first, and one NaN. Others must not be near one,
   * or the mask would tell: the filters of an output are drawn anew until none of its windows is.
   */
  private static KernelCase forward(PooledLayer layer, boolean whole) {
    Random random = new Random(layer.hashCode());
    float[] x = numbers(random, layer.pixels(), whole);
    if (whole) {
      x[x.length / 2] = Float.NaN;
    }
    float[] weight = new float[layer.channels() * layer.taps()];
    float[] bias = new float[layer.channels()];
    Pooled pooled =
        new Pooled(
            new double[layer.windows()], new double[layer.windows()], new byte[layer.windows()]);
    for (int channel = 0; channel < layer.channels(); channel++) {
      do {
        for (int tap = 0; tap < layer.taps(); tap++) {
          weight[channel * layer.taps() + tap] = number(random, whole);
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
      PooledLayer layer,
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
            for (int tap = 0; tap < layer.taps(); tap++) {
              int pixel = layer.under(tap, image, 2 * row + i / 2, 2 * column + i % 2);
              double product =
                  pixel < 0 ? 0 : tf32(weight[channel * layer.taps() + tap]) * tf32(x[pixel]);
              sum += product;
              absolute += Math.abs(product);
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
  private static KernelCase backward(PooledLayer layer, int inputsOfBlock, boolean whole) {
    Random random = new Random(~layer.hashCode());
    float[] weight = numbers(random, layer.channels() * layer.taps(), whole);
    float[] dPooled = numbers(random, layer.windows(), whole);
    byte[] mask = new byte[layer.windows()];
    for (int window = 0; window < mask.length; window++) {
      mask[window] = (byte) random.nextInt(DEAD + 1);
      if (mask[window] == DEAD && random.nextBoolean() || whole && window == mask.length / 2) {
        dPooled[window] = Float.NaN;
      }
    }
    double[] dx = new double[layer.pixels()];
    double[] absolute = new double[dx.length];
    layer.forEachWindow(
        (window, image, channel, row, column) -> {
          int from = mask[window];
          for (int tap = 0; from != DEAD && tap < layer.taps(); tap++) {
            int pixel = layer.under(tap, image, 2 * row + from / 2, 2 * column + from % 2);
            if (pixel >= 0) {
              double product = tf32(weight[channel * layer.taps() + tap]) * tf32(dPooled[window]);
              dx[pixel] += product;
              absolute[pixel] += Math.abs(product);
            }
          }
        });
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
