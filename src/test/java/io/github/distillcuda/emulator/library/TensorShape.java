package io.github.distillcuda.emulator.library;

import io.github.distillcuda.ffi.CudnnConstants;

/**
 * A cuDNN tensor of [n, c, h, w], or filters of [k, c, h, w], without gaps.
 *
 * @param format of {@code cudnnTensorFormat_t}
 * @param dataType of {@code cudnnDataType_t}
 */
record TensorShape(int format, int dataType, int n, int c, int h, int w) {
  boolean hasEmulatedType() {
    return dataType == CudnnConstants.CUDNN_DATA_FLOAT
        || dataType == CudnnConstants.CUDNN_DATA_BFLOAT16;
  }

  ElementType elementType() {
    return dataType == CudnnConstants.CUDNN_DATA_FLOAT ? ElementType.FLOAT32 : ElementType.BFLOAT16;
  }

  int elements() {
    return n * c * h * w;
  }

  boolean hasExtents(int otherN, int otherC, int otherH, int otherW) {
    return n == otherN && c == otherC && h == otherH && w == otherW;
  }

  boolean hasExtentsOf(TensorShape other) {
    return hasExtents(other.n, other.c, other.h, other.w);
  }

  /** Reads the tensor in the order NCHW. */
  float[] read(DeviceArrays arrays, long address) {
    float[] stored = arrays.read(address, elementType(), elements());
    return format == CudnnConstants.CUDNN_TENSOR_NCHW ? stored : swapped(stored, c, h * w);
  }

  /** Writes the tensor, given in the order NCHW. */
  void write(DeviceArrays arrays, long address, float[] values) {
    arrays.write(
        address,
        elementType(),
        format == CudnnConstants.CUDNN_TENSOR_NCHW ? values : swapped(values, h * w, c));
  }

  /** Returns {@code alpha*values + beta*old} in the order NCHW; old is read unless beta is 0. */
  void write(DeviceArrays arrays, long address, float alpha, double[] values, float beta) {
    float[] old = beta == 0 ? null : read(arrays, address);
    float[] result = new float[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = (float) (alpha * values[i] + (old == null ? 0 : (double) beta * old[i]));
    }
    write(arrays, address, result);
  }

  /** Swaps the last two of [n, inner, outer]: every image has {@code outer} runs of inner ones. */
  private float[] swapped(float[] values, int outer, int inner) {
    float[] result = new float[values.length];
    int image = outer * inner;
    for (int i = 0; i < values.length; i++) {
      int within = i % image;
      result[i - within + within % outer * inner + within / outer] = values[i];
    }
    return result;
  }
}
