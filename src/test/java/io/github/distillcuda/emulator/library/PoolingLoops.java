package io.github.distillcuda.emulator.library;

import io.github.distillcuda.ffi.CudnnConstants;

/** Maximum pooling and its gradient on arrays in the order NCHW. */
final class PoolingLoops {
  private final PoolingShape pooling;
  private final TensorShape x;
  private final int outHeight;
  private final int outWidth;

  PoolingLoops(PoolingShape pooling, TensorShape x) {
    this.pooling = pooling;
    this.x = x;
    outHeight = pooling.rows().places(x.h(), pooling.windowHeight());
    outWidth = pooling.columns().places(x.w(), pooling.windowWidth());
  }

  double[] forward(float[] input) {
    double[] output = new double[x.n() * x.c() * outHeight * outWidth];
    for (int i = 0; i < output.length; i++) {
      output[i] = largest(input, i);
    }
    return output;
  }

  private float largest(float[] input, int output) {
    float largest = Float.NEGATIVE_INFINITY;
    for (int element : window(output)) {
      float value = input[element];
      if (Float.isNaN(value)) {
        if (pooling.nanPropagation() == CudnnConstants.CUDNN_PROPAGATE_NAN) {
          return value;
        }
      } else {
        largest = Math.max(largest, value);
      }
    }
    return largest;
  }

  /**
   * Gives each gradient to the first element of its window that equals the output, as cuDNN is said
   * to do.
   *
   * @throws IllegalStateException if no element does: y is not what was pooled of x
   */
  double[] backward(float[] input, float[] output, float[] outputGradient) {
    double[] gradient = new double[x.elements()];
    for (int i = 0; i < output.length; i++) {
      gradient[source(input, output[i], i)] += outputGradient[i];
    }
    return gradient;
  }

  private int source(float[] input, float pooled, int output) {
    for (int element : window(output)) {
      if (input[element] == pooled || Float.isNaN(input[element]) && Float.isNaN(pooled)) {
        return element;
      }
    }
    throw new IllegalStateException(
        "cudnnPoolingBackward: y[%d] = %s is not in its window of x".formatted(output, pooled));
  }

  /** Returns the elements of an output's window in row-major order. */
  private int[] window(int output) {
    int plane = output / (outHeight * outWidth);
    int firstRow = pooling.rows().position(output / outWidth % outHeight, 0);
    int firstColumn = pooling.columns().position(output % outWidth, 0);
    int top = Math.max(0, firstRow);
    int bottom = Math.min(x.h(), firstRow + pooling.windowHeight());
    int left = Math.max(0, firstColumn);
    int right = Math.min(x.w(), firstColumn + pooling.windowWidth());
    int[] elements = new int[Math.max(0, bottom - top) * Math.max(0, right - left)];
    int count = 0;
    for (int row = top; row < bottom; row++) {
      for (int column = left; column < right; column++) {
        elements[count++] = (plane * x.h() + row) * x.w() + column;
      }
    }
    return elements;
  }
}
