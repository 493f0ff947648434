package io.github.distillcuda.emulator.library;

/** How the window of a convolution or pooling moves along rows, or along columns. */
record WindowAxis(int pad, int stride, int dilation) {
  /** Whether the window has no gaps and skips no place. */
  boolean isDense() {
    return stride == 1 && dilation == 1;
  }

  boolean padsLessThan(int size) {
    return pad >= 0 && pad < size;
  }

  /** Returns how many places a window of {@code size} elements has; 0 if it is too large. */
  int places(int extent, int size) {
    int free = extent + 2 * pad - ((size - 1) * dilation + 1);
    return free < 0 ? 0 : free / stride + 1;
  }

  /** Returns where an element of the window lies at a place, which may be in the padding. */
  int position(int place, int element) {
    return place * stride + element * dilation - pad;
  }
}
