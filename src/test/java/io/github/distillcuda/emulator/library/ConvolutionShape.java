package io.github.distillcuda.emulator.library;

/** Padding, stride and dilation of a cuDNN convolution, each of rows and of columns. */
record ConvolutionShape(
    int padHeight,
    int padWidth,
    int strideHeight,
    int strideWidth,
    int dilationHeight,
    int dilationWidth,
    int mode,
    int computeType) {
  int outputHeight(int height, int filterHeight) {
    return output(height, filterHeight, padHeight, strideHeight, dilationHeight);
  }

  int outputWidth(int width, int filterWidth) {
    return output(width, filterWidth, padWidth, strideWidth, dilationWidth);
  }

  private static int output(int extent, int filter, int pad, int stride, int dilation) {
    int free = extent + 2 * pad - ((filter - 1) * dilation + 1);
    return free < 0 ? 0 : free / stride + 1;
  }
}
