package io.github.distillcuda.emulator.library;

/** Convolution and its two gradients on arrays in the order NCHW, with sums in float64. */
final class ConvolutionLoops {
  /** What is done once for each pair of an input and an output row that a filter row joins. */
  private interface RowPair {
    /**
     * @param filter index of the filter's element
     * @param input index of the first input
     * @param output index of the first output
     * @param count of outputs
     */
    void visit(int filter, int input, int output, int count);
  }

  private final ConvolutionShape convolution;
  private final TensorShape x;
  private final TensorShape w;
  private final int outHeight;
  private final int outWidth;

  ConvolutionLoops(ConvolutionShape convolution, TensorShape x, TensorShape w) {
    this.convolution = convolution;
    this.x = x;
    this.w = w;
    outHeight = convolution.rows().places(x.h(), w.h());
    outWidth = convolution.columns().places(x.w(), w.w());
  }

  double[] forward(float[] input, float[] filters) {
    double[] output = new double[x.n() * w.n() * outHeight * outWidth];
    int stride = convolution.columns().stride();
    forEachRowPair(
        (filter, in, out, count) -> {
          double weight = filters[filter];
          for (int i = 0; i < count; i++) {
            output[out + i] += weight * input[in + i * stride];
          }
        });
    return output;
  }

  double[] gradientOfInput(float[] filters, float[] outputGradient) {
    double[] gradient = new double[x.elements()];
    int stride = convolution.columns().stride();
    forEachRowPair(
        (filter, in, out, count) -> {
          double weight = filters[filter];
          for (int i = 0; i < count; i++) {
            gradient[in + i * stride] += weight * outputGradient[out + i];
          }
        });
    return gradient;
  }

  double[] gradientOfFilters(float[] input, float[] outputGradient) {
    double[] gradient = new double[w.elements()];
    int stride = convolution.columns().stride();
    forEachRowPair(
        (filter, in, out, count) -> {
          double sum = 0;
          for (int i = 0; i < count; i++) {
            sum += (double) input[in + i * stride] * outputGradient[out + i];
          }
          gradient[filter] += sum;
        });
    return gradient;
  }

  private void forEachRowPair(RowPair work) {
    for (int image = 0; image < x.n(); image++) {
      for (int k = 0; k < w.n(); k++) {
        for (int c = 0; c < x.c(); c++) {
          visitPlanes(image * x.c() + c, image * w.n() + k, k * w.c() + c, work);
        }
      }
    }
  }

  private void visitPlanes(int inPlane, int outPlane, int filterPlane, RowPair work) {
    int stride = convolution.columns().stride();
    for (int row = 0; row < w.h(); row++) {
      for (int column = 0; column < w.w(); column++) {
        int filter = (filterPlane * w.h() + row) * w.w() + column;
        int shift = convolution.columns().position(0, column);
        int first = Math.max(0, Math.ceilDiv(-shift, stride));
        int last = Math.min(outWidth - 1, Math.floorDiv(x.w() - 1 - shift, stride));
        for (int y = 0; y < outHeight && first <= last; y++) {
          int inRow = convolution.rows().position(y, row);
          if (inRow >= 0 && inRow < x.h()) {
            work.visit(
                filter,
                (inPlane * x.h() + inRow) * x.w() + first * stride + shift,
                (outPlane * outHeight + y) * outWidth + first,
                last - first + 1);
          }
        }
      }
    }
  }
}
