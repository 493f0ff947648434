package io.github.distillcuda.emulator.library;

import io.github.distillcuda.emulator.memory.HostBytes;
import io.github.distillcuda.ffi.CublasConstants;
import io.github.distillcuda.ffi.CudnnConstants;
import java.util.Optional;
import java.util.stream.Stream;

/** The types that elements of an array may have on the device: what is not here is not emulated. */
enum ElementType {
  FLOAT32(4, CudnnConstants.CUDNN_DATA_FLOAT, CublasConstants.CUDA_R_32F),
  BFLOAT16(2, CudnnConstants.CUDNN_DATA_BFLOAT16, CublasConstants.CUDA_R_16BF);

  private final int bytes;
  private final int cudnnType;
  private final int cudaType;

  ElementType(int bytes, int cudnnType, int cudaType) {
    this.bytes = bytes;
    this.cudnnType = cudnnType;
    this.cudaType = cudaType;
  }

  /** Returns the type of a {@code cudnnDataType_t}. */
  static Optional<ElementType> ofCudnn(int cudnnType) {
    return Stream.of(values()).filter(type -> type.cudnnType == cudnnType).findFirst();
  }

  /** Returns the type of a {@code cudaDataType}. */
  static Optional<ElementType> ofCuda(int cudaType) {
    return Stream.of(values()).filter(type -> type.cudaType == cudaType).findFirst();
  }

  int bytes() {
    return bytes;
  }

  /** Returns the elements that lie in these bytes. */
  float[] decode(byte[] stored) {
    return this == FLOAT32 ? HostBytes.toFloats(stored) : HostBytes.bfloat16ToFloats(stored);
  }

  /** Returns the bytes of elements, each rounded to this type. */
  byte[] encode(float[] values) {
    return this == FLOAT32 ? HostBytes.of(values) : HostBytes.roundedToBfloat16(values);
  }
}
