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
   * window: the first of equal ones; -1 where there is nothing but NaN that is not propagated.
   */
  int[] largest(TensorShape x, float[] input, TensorShape y) {
    int[] largest = new int[y.elements()];
    for (int i = 0; i < largest.length; i++) {
      int plane = i / (y.h() * y.w()) * x.h();
      int top = rows.position(i / y.w() % y.h(), 0);
      int left = columns.position(i % y.w(), 0);
      largest[i] = -1;
      for (int row = Math.max(0, top); row < Math.min(x.h(), top + windowHeight); row++) {
        for (int column = Math.max(0, left);
            column < Math.min(x.w(), left + windowWidth);
            column++) {
          largest[i] = larger(input, largest[i], (plane + row) * x.w() + column);
        }
      }
    }
    return largest;
  }

  /** Returns which of two elements is larger: the first, which may be none, if they are equal. */
  private int larger(float[] input, int first, int second) {
    if (Float.isNaN(input[second])) {
      return propagatesNan && (first < 0 || !Float.isNaN(input[first])) ? second : first;
    }
    return first < 0 || input[second] > input[first] ? second : first;
  }

  /** Whether y is the element of x that is the largest of its window. */
  static boolean isOf(float[] input, int largest, float y) {
    return largest >= 0 && (input[largest] == y || Float.isNaN(input[largest]) && Float.isNaN(y));
  }
}
