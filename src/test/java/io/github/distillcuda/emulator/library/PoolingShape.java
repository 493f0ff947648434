package io.github.distillcuda.emulator.library;

/** Window, padding and stride of a cuDNN pooling, each of rows and of columns. */
record PoolingShape(
    int mode,
    int nanPropagation,
    int windowHeight,
    int windowWidth,
    int padHeight,
    int padWidth,
    int strideHeight,
    int strideWidth) {
  int outputHeight(int height) {
    return output(height, windowHeight, padHeight, strideHeight);
  }

  int outputWidth(int width) {
    return output(width, windowWidth, padWidth, strideWidth);
  }

  private static int output(int extent, int window, int pad, int stride) {
    int free = extent + 2 * pad - window;
    return free < 0 ? 0 : free / stride + 1;
  }
}
