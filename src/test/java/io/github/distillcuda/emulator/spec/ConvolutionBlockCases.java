package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.ConvolutionBlockKernels;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.emulator.memory.HostBytes;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Bias, ReLU and 2x2 max-pool, forward and backward: to the bit but for the bias's partial sums.
 * {@link BiasReluCases} are those without a pool.
 */
final class ConvolutionBlockCases {
  private static final int DEAD = 4;

  /** Images of a batch; width and height are those before pooling. */
  private record Images(int count, int channels, int height, int width) {
    int planes() {
      return count * channels;
    }

    int windowsOfPlane() {
      return height / 2 * (width / 2);
    }

    int pooled() {
      return planes() * windowsOfPlane();
    }

    /** The place of a pixel; a window's is that of images half as high and wide. */
    int place(boolean nhwc, int image, int channel, int row, int column) {
      return nhwc
          ? ((image * height + row) * width + column) * channels + channel
          : ((image * channels + channel) * height + row) * width + column;
    }

    Images halved() {
      return new Images(count, channels, height / 2, width / 2);
    }
  }

  private static final List<Images> SHAPES =
      List.of(
          new Images(1, 1, 2, 2),
          new Images(2, 3, 2, 4),
          new Images(1, 5, 6, 8),
          new Images(3, 33, 4, 4),
          new Images(2, 32, 16, 16),
          new Images(1, 2, 32, 32),
          new Images(3, 1, 8, 2),
          // 20, 44 and 60 windows: loops over windows of three, six and eight rounds
          new Images(1, 2, 10, 8),
          new Images(1, 1, 22, 8),
          new Images(5, 1, 6, 8),
          // 28: the last rounds of four in some lines of an nhwc block, of fewer in others
          new Images(7, 1, 4, 4));

  private ConvolutionBlockCases() {}

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    for (Images images : SHAPES) {
      cases.add(forward(ConvolutionBlockKernels.POOL_NCHW_V1, images, false));
      cases.add(backward(ConvolutionBlockKernels.POOL_BACKWARD_NCHW_V1, images, false));
      if (images.width() % 4 == 0) {
        cases.add(forward(ConvolutionBlockKernels.POOL_NCHW, images, false));
        cases.add(backward(ConvolutionBlockKernels.POOL_BACKWARD_NCHW, images, false));
      }
      cases.add(forward(ConvolutionBlockKernels.POOL_NHWC, images, true));
      cases.add(backward(ConvolutionBlockKernels.POOL_BACKWARD_NHWC, images, true));
    }
    cases.addAll(BiasReluCases.all());
    return cases;
  }

  /** A first layer's output, and linear layers. */
  static Stream<KernelCase> counted() {
    Images images = new Images(4, 32, 32, 32);
    Stream<KernelCase> pools =
        Stream.of(
            forward(ConvolutionBlockKernels.POOL_NCHW_V1, images, false),
            forward(ConvolutionBlockKernels.POOL_NCHW, images, false),
            backward(ConvolutionBlockKernels.POOL_BACKWARD_NCHW_V1, images, false),
            backward(ConvolutionBlockKernels.POOL_BACKWARD_NCHW, images, false),
            forward(ConvolutionBlockKernels.POOL_NHWC, images, true),
            backward(ConvolutionBlockKernels.POOL_BACKWARD_NHWC, images, true));
    return Stream.concat(pools, BiasReluCases.counted());
  }

  private static KernelSizes sizes(Images images, boolean nhwc, boolean forward) {
    KernelSizes sizes = KernelSizes.of("height", images.height(), "width", images.width());
    if (nhwc) {
      return sizes
          .and("windows", images.count() * images.windowsOfPlane())
          .and("channels", images.channels());
    }
    sizes = sizes.and("planes", images.planes());
    return forward ? sizes.and("channels", images.channels()) : sizes;
  }

  private static KernelCase forward(KernelSignature kernel, Images images, boolean nhwc) {
    float[] x = inputs(images.planes() * images.height() * images.width());
    if (isBfloat16(kernel)) {
      truncate(x);
    }
    float[] bias = new float[images.channels()];
    for (int channel = 0; channel < bias.length; channel++) {
      bias[channel] = 0.25f * (channel % 5 - 2);
    }
    float[] pooled = new float[images.pooled()];
    byte[] mask = new byte[pooled.length];
    forEachWindow(
        images,
        nhwc,
        (window, pixels, channel) -> {
          float largest = Float.NEGATIVE_INFINITY;
          int at = 0;
          for (int i = 0; i < 4; i++) {
            float value = x[pixels[i]] + bias[channel];
            if (i == 0 || value > largest || Float.isNaN(value)) {
              largest = value;
              at = i;
            }
          }
          pooled[window] = largest <= 0 ? 0 : largest;
          mask[window] = (byte) (largest <= 0 ? DEAD : at);
        });
    return new KernelCase(kernel, sizes(images, nhwc, true), "")
        .in("x", isBfloat16(kernel) ? HostBytes.ofBfloat16(x) : HostBytes.of(x))
        .in("bias", bias)
        .out("pooled", expected(kernel, pooled))
        .out("mask", Expected.bytes(mask));
  }

  private static boolean isBfloat16(KernelSignature kernel) {
    return kernel.symbol().contains("_bf16_");
  }

  /** Leaves what bfloat16 holds. */
  private static void truncate(float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.intBitsToFloat(Float.floatToRawIntBits(values[i]) & 0xffff0000);
    }
  }

  /**
   * These values to the bit. In bfloat16 a sum with the bias is rounded to nearest even, which
   * {@link Math#rint} is of a number of eight digits.
   */
  private static Expected expected(KernelSignature kernel, float[] values) {
    if (!isBfloat16(kernel)) {
      return Expected.floats(values);
    }
    double[] rounded = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      double unit = Math.scalb(1.0, Math.getExponent(values[i]) - 7);
      boolean isNumber = Float.isFinite(values[i]) && values[i] != 0;
      rounded[i] = isNumber ? Math.rint(values[i] / unit) * unit : values[i];
    }
    return Expected.nearInBfloat16(rounded, new double[rounded.length]);
  }

  /** A window, its four pixels and its channel. */
  private interface WindowAction {
    void run(int window, int[] pixels, int channel);
  }

  private static void forEachWindow(Images images, boolean nhwc, WindowAction action) {
    Images halved = images.halved();
    for (int image = 0; image < images.count(); image++) {
      for (int channel = 0; channel < images.channels(); channel++) {
        for (int row = 0; row < halved.height(); row++) {
          for (int column = 0; column < halved.width(); column++) {
            int[] pixels = new int[4];
            for (int i = 0; i < 4; i++) {
              pixels[i] = images.place(nhwc, image, channel, 2 * row + i / 2, 2 * column + i % 2);
            }
            action.run(halved.place(nhwc, image, channel, row, column), pixels, channel);
          }
        }
      }
    }
  }

  /** Small whole halves, so that ties are frequent; now and then a NaN or a zero of either sign. */
  private static float[] inputs(int n) {
    Random random = new Random(n);
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = 0.5f * random.nextInt(-3, 4);
      x[i] = i % 37 == 0 ? Float.NaN : i % 41 == 0 ? -0f : i % 43 == 0 ? 1e30f : x[i];
    }
    return x;
  }

  private static KernelCase backward(KernelSignature kernel, Images images, boolean nhwc) {
    Random random = new Random(images.pooled());
    float[] dPooled = new float[images.pooled()];
    byte[] mask = new byte[dPooled.length];
    for (int i = 0; i < mask.length; i++) {
      dPooled[i] = (float) random.nextGaussian();
      mask[i] = (byte) random.nextInt(DEAD + 1);
    }
    if (isBfloat16(kernel)) {
      truncate(dPooled);
    }
    float[] dx = new float[4 * dPooled.length];
    int chunks =
        Math.ceilDiv(images.count() * images.windowsOfPlane(), ConvolutionBlockKernels.CHUNK);
    double[] partials = new double[nhwc ? chunks * images.channels() : images.planes()];
    double[] tolerance = new double[partials.length];
    forEachWindow(
        images,
        nhwc,
        (window, pixels, channel) -> {
          if (mask[window] == DEAD) {
            return;
          }
          dx[pixels[mask[window]]] = dPooled[window];
          int partial =
              nhwc
                  ? window / images.channels() / ConvolutionBlockKernels.CHUNK * images.channels()
                      + channel
                  : window / images.windowsOfPlane();
          partials[partial] += dPooled[window];
          tolerance[partial] += 1e-6 * Math.abs(dPooled[window]);
        });
    return new KernelCase(kernel, sizes(images, nhwc, false), "")
        .in("dPooled", isBfloat16(kernel) ? HostBytes.ofBfloat16(dPooled) : HostBytes.of(dPooled))
        .in("mask", mask)
        .out("dx", expected(kernel, dx))
        .out("partials", Expected.near(partials, tolerance));
  }
}
