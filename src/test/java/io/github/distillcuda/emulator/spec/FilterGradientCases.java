package io.github.distillcuda.emulator.spec;

import static io.github.distillcuda.emulator.spec.PooledLayer.DEAD;
import static io.github.distillcuda.emulator.spec.PooledLayer.TENSOR_CORE_ERROR;
import static io.github.distillcuda.emulator.spec.PooledLayer.numbers;
import static io.github.distillcuda.emulator.spec.PooledLayer.tf32;

import io.github.distillcuda.cuda.kernels.FilterGradientKernels;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * The gradients of the filters and biases of any convolution before a pool: plain loops in float64
 * over every pixel and tap. Sums keep to 1e-6 of the same sums over absolute values, those of
 * tensor cores to what their instruction may err; images and gradients of whole numbers give whole
 * sums, which must come out to the bit.
 */
final class FilterGradientCases {
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
   * A first stage of the gradients.
   *
   * @param tileRows of windows; columns are 8
   * @param productsATile by which a sum grows one after the other on tensor cores, else 0
   */
  record FirstStage(KernelSignature kernel, int tileRows, int productsATile) {
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

  private static final FirstStage FLOAT32 = new FirstStage(FilterGradientKernels.PARTIALS, 8, 0);

  /** What is special about a case's numbers. */
  enum Numbers {
    DRAWN(""),
    WHOLE("whole numbers"),
    NAN("one gradient that passes is NaN");

    private final String description;

    Numbers(String description) {
      this.description = description;
    }
  }

  /** Layers of whole tiles that are counted, as those of CIFAR-10 are. */
  static final PooledLayer FIRST = new PooledLayer(2, 3, 32, 32, 32);

  static final PooledLayer SECOND = new PooledLayer(2, 32, 64, 16, 16);

  private FilterGradientCases() {}

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    for (Numbers numbers : Numbers.values()) {
      for (PooledLayer layer :
          Stream.concat(ImageConvolutionCases.IMAGES.stream(), INNER.stream()).toList()) {
        cases.add(partials(FLOAT32, layer, numbers));
      }
    }
    cases.add(partials(FLOAT32, MANY, Numbers.WHOLE));
    // Lines of 0, 1, 2, 3 and more partials each: the loop takes four at a time.
    for (int count : new int[] {1, 7, 8, 21, 65, 256}) {
      for (int channels : new int[] {1, 8, 33}) {
        cases.add(sum(count, 3, channels));
        cases.add(sum(count, 7, channels));
      }
    }
    return cases;
  }

  static Stream<KernelCase> counted() {
    return Stream.of(
        partials(FLOAT32, FIRST, Numbers.DRAWN),
        partials(FLOAT32, SECOND, Numbers.DRAWN),
        sum(64, 3, 32),
        sum(12, 32, 64));
  }

  /**
   * On tensor cores each of a sum's products, and what adds its two halves, may err by {@link
   * PooledLayer#TENSOR_CORE_ERROR} of the absolute values so far, which are at most all of them.
   * The bias is a sum of float32 everywhere.
   */
  static KernelCase partials(FirstStage stage, PooledLayer layer, Numbers numbers) {
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
