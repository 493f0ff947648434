package io.github.distillcuda.emulator.library;

import io.github.distillcuda.ffi.CudnnConstants;

/**
 * A convolution or one of its gradients, of shapes that fit together.
 *
 * @param mathType of {@code cudnnMathType_t}
 * @param x the input, or its gradient
 * @param w the filters, or their gradient
 * @param y the output, or its gradient
 */
record ConvolutionProblem(
    Direction direction,
    Convolution convolution,
    int mathType,
    TensorShape x,
    TensorShape w,
    TensorShape y) {
  /**
   * What a cuDNN descriptor says of a convolution.
   *
   * @param mode of {@code cudnnConvolutionMode_t}
   * @param computeType of {@code cudnnDataType_t}: the type of the sums
   */
  record Convolution(WindowAxis rows, WindowAxis columns, int mode, int computeType) {}

  /** What is computed. */
  enum Direction {
    FORWARD,
    BACKWARD_DATA,
    BACKWARD_FILTER
  }

  /** Returns the shape of what is computed. */
  TensorShape result() {
    return direction == Direction.FORWARD ? y : direction == Direction.BACKWARD_DATA ? x : w;
  }

  /** Whether it is that of Winograd in separate kernels; each direction has its own numbers. */
  boolean isWinograd(int algorithm) {
    return algorithm == (direction == Direction.FORWARD ? 7 : 5);
  }

  /** Whether an algorithm can do it: that of Winograd is for 3x3 filters of stride 1 in NCHW. */
  boolean isSupported(int algorithm) {
    return !isWinograd(algorithm)
        || w.h() == 3
            && w.w() == 3
            && convolution.rows().isDense()
            && convolution.columns().isDense()
            && x.format() == CudnnConstants.CUDNN_TENSOR_NCHW;
  }

  /**
   * Returns what an algorithm needs: 0 nothing; all others tables, Winograd's its transforms, and 1
   * float32 in the order of tensor cores, about as much as gpu-library-layers.csv has for an H200.
   */
  long workspaceBytes(int algorithm) {
    long images = 4L * (x.elements() + y.elements());
    boolean reorders = mathType == CudnnConstants.CUDNN_DEFAULT_MATH;
    long copies = isWinograd(algorithm) ? images * 9 / 4 : reorders ? images * 3 / 2 : 0;
    return algorithm == 0 ? 0 : 256 + 4L * w.elements() * (1 + direction.ordinal()) + copies;
  }

  /**
   * Returns what is computed, in the order NCHW, with sums in float64. What is computed is not read
   * and may be null.
   */
  double[] sums(float[] input, float[] filters, float[] output) {
    double[] sums = new double[result().elements()];
    for (int image = 0; image < x.n(); image++) {
      for (int filter = 0; filter < w.elements(); filter++) {
        addTerms(sums, image, filter, input, filters, output);
      }
    }
    return sums;
  }

  /** Adds all terms that one image and one element of a filter take part in, row by row. */
  private void addTerms(
      double[] sums, int image, int filter, float[] input, float[] filters, float[] output) {
    int stride = convolution.columns().stride();
    int shift = convolution.columns().position(0, filter % w.w());
    int first = Math.max(0, Math.ceilDiv(-shift, stride));
    int count = Math.min(y.w(), Math.floorDiv(x.w() - 1 - shift, stride) + 1) - first;
    for (int outRow = 0; outRow < y.h(); outRow++) {
      int inRow = convolution.rows().position(outRow, filter / w.w() % w.h());
      if (inRow < 0 || inRow >= x.h()) {
        continue; // in the padding
      }
      int in = x.row(image, w.channel(filter), inRow) + first * stride + shift;
      int out = y.row(image, w.image(filter), outRow) + first;
      for (int i = 0; i < count; i++) {
        switch (direction) {
          case FORWARD -> sums[out + i] += (double) filters[filter] * input[in + i * stride];
          case BACKWARD_DATA -> sums[in + i * stride] += (double) filters[filter] * output[out + i];
          case BACKWARD_FILTER -> sums[filter] += (double) input[in + i * stride] * output[out + i];
        }
      }
    }
  }
}
