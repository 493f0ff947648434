package io.github.distillcuda.emulator.library;

/**
 * What a cuDNN descriptor says of a pooling.
 *
 * @param mode of {@code cudnnPoolingMode_t}
 */
record Pooling(
    int mode,
    boolean propagatesNan,
    int windowHeight,
    int windowWidth,
    WindowAxis rows,
    WindowAxis columns) {
  /**
   * Returns for each element of y, counted as NCHW, which element of x is the largest of its
   * window: the first of equal ones.
   */
  int[] largest(TensorShape x, float[] input, TensorShape y) {
    int[] largest = new int[y.elements()];
    for (int i = 0; i < largest.length; i++) {
      int top = rows.position(i / y.w() % y.h(), 0);
      int left = columns.position(i % y.w(), 0);
      int plane = x.row(y.image(i), y.channel(i), 0);
      int best = plane + Math.max(0, top) * x.w() + Math.max(0, left);
      for (int row = Math.max(0, top); row < Math.min(x.h(), top + windowHeight); row++) {
        int end = Math.min(x.w(), left + windowWidth);
        for (int column = Math.max(0, left); column < end; column++) {
          int element = plane + row * x.w() + column;
          best = isLarger(input[element], input[best]) ? element : best;
        }
      }
      largest[i] = best;
    }
    return largest;
  }

  /** NaN is larger than a number if it is propagated, and otherwise smaller. */
  boolean isLarger(float value, float other) {
    return Float.isNaN(value) == Float.isNaN(other)
        ? value > other
        : Float.isNaN(value) == propagatesNan;
  }
}
