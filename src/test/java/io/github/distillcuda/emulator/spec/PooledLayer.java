package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.KernelSizes;
import java.util.Random;

/**
 * A 3x3 convolution with padding 1 and the 2x2 max-pool behind it, as the oracles of its kernels
 * see it; height and width are those of its input, which is NCHW.
 */
record PooledLayer(int images, int inputs, int channels, int height, int width) {
  static final int TAPS = 9;

  /** The mask of a window that passes no gradient. */
  static final int DEAD = 4;

  /**
   * What one product of tensor cores may err, as a part of the sum of absolute values so far; of
   * whole numbers nothing.
   */
  static final double TENSOR_CORE_ERROR = 0x1p-20;

  /** A window of the pool; {@code at} is its place behind it. */
  interface WindowAction {
    void run(int at, int image, int channel, int row, int column);
  }

  KernelSizes sizes() {
    return KernelSizes.of("images", images, "channels", channels)
        .and("inputs", inputs)
        .and("height", height)
        .and("width", width);
  }

  /** Elements of the input. */
  int pixels() {
    return images * inputs * height * width;
  }

  /** Elements of one output's filters. */
  int taps() {
    return TAPS * inputs;
  }

  /** Elements behind the pool. */
  int windows() {
    return images * channels * (height / 2) * (width / 2);
  }

  /** The place of a window in what follows the pool. */
  int window(int image, int channel, int row, int column) {
    return ((image * channels + channel) * (height / 2) + row) * (width / 2) + column;
  }

  void forEachWindow(WindowAction action) {
    for (int image = 0; image < images; image++) {
      for (int channel = 0; channel < channels; channel++) {
        for (int row = 0; row < height / 2; row++) {
          for (int column = 0; column < width / 2; column++) {
            action.run(window(image, channel, row, column), image, channel, row, column);
          }
        }
      }
    }
  }

  /**
   * The place of the pixel under a tap of pixel (row, column), or -1 in the border.
   *
   * @param tap counted over all inputs: nine of the first, then nine of the second
   */
  int under(int tap, int image, int row, int column) {
    int y = row + tap % TAPS / 3 - 1;
    int x = column + tap % 3 - 1;
    return y < 0 || y >= height || x < 0 || x >= width
        ? -1
        : ((image * inputs + tap / TAPS) * height + y) * width + x;
  }

  /** A number of a case: a whole one from -4 to 4, or of a normal distribution. */
  static float number(Random random, boolean whole) {
    return whole ? random.nextInt(-4, 5) : (float) random.nextGaussian();
  }

  static float[] numbers(Random random, int n, boolean whole) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = number(random, whole);
    }
    return values;
  }

  /** A factor on tensor cores: 11 significant bits, to nearest, ties away from zero. */
  static double tf32(double value) {
    if (value == 0 || Double.isNaN(value)) {
      return value;
    }
    double unit = Math.scalb(1.0, Math.getExponent(value) - 10);
    return Math.copySign(Math.floor(Math.abs(value) / unit + 0.5) * unit, value);
  }
}
