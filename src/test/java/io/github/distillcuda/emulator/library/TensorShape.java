package io.github.distillcuda.emulator.library;

import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.ffi.CudnnConstants;
import java.util.Arrays;

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

  int elements() {
    return n * c * h * w;
  }

  // Elements are counted in the order NCHW, whatever the format.

  int channel(int element) {
    return element / (h * w) % c;
  }

  /** Returns the image, or the filter, of an element. */
  int image(int element) {
    return element / (c * h * w);
  }

  /** Returns the first element of a row. */
  int row(int image, int channel, int row) {
    return ((image * c + channel) * h + row) * w;
  }

  int[] extents() {
    return new int[] {n, c, h, w};
  }

  boolean hasExtents(int... extents) {
    return Arrays.equals(extents, extents());
  }

  boolean hasExtentsOf(TensorShape other) {
    return hasExtents(other.extents());
  }

  /** Returns the tensor at an address. */
  Matrix at(long address, EmulatedMemory memory) {
    int image = c * h * w;
    int interleaved = format == CudnnConstants.CUDNN_TENSOR_NHWC ? c : 1;
    return new Matrix(memory, address, elementType(), image, n, image, interleaved);
  }
}
