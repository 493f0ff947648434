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
      int end = Math.min(x.w(), left + windowWidth);
      int best = x.row(y.image(i), y.channel(i), Math.max(0, top)) + Math.max(0, left);
      for (int row = Math.max(0, top); row < Math.min(x.h(), top + windowHeight); row++) {
        int start = x.row(y.image(i), y.channel(i), row);
        for (int element = start + Math.max(0, left); element < start + end; element++) {
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
