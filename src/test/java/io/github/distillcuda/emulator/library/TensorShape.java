package io.github.distillcuda.emulator.library;

import io.github.distillcuda.ffi.CudnnConstants;

/**
 * A cuDNN tensor of [n, c, h, w], or filters of [k, c, h, w], without gaps.
 *
 * @param format of {@code cudnnTensorFormat_t}
 * @param dataType of {@code cudnnDataType_t}
 */
record TensorShape(int format, int dataType, int n, int c, int h, int w) {
  /** Returns the type of the elements, which must be one that is emulated. */
  ElementType elementType() {
    return ElementType.ofCudnn(dataType).orElseThrow();
  }

  boolean hasEmulatedType() {
    return ElementType.ofCudnn(dataType).isPresent();
  }

  int elements() {
    return n * c * h * w;
  }

  /** Returns the channel of an element that is counted in the order NCHW. */
  int channel(int element) {
    return element / (h * w) % c;
  }

  boolean hasExtents(int... extents) {
    return n == extents[0] && c == extents[1] && h == extents[2] && w == extents[3];
  }

  boolean hasExtentsOf(TensorShape other) {
    return hasExtents(other.n, other.c, other.h, other.w);
  }

  /** Returns the tensor at an address: whatever its format, its elements count as NCHW. */
  DeviceArray at(long address, DeviceArrays arrays) {
    return new DeviceArray() {
      @Override
      public float[] read() {
        float[] stored = arrays.read(address, elementType(), elements());
        return isChannelsLast() ? swapped(stored, c, h * w) : stored;
      }

      @Override
      public void write(float[] values) {
        arrays.write(address, elementType(), isChannelsLast() ? swapped(values, h * w, c) : values);
      }
    };
  }

  private boolean isChannelsLast() {
    return format == CudnnConstants.CUDNN_TENSOR_NHWC;
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
