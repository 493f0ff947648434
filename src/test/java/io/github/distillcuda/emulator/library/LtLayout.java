package io.github.distillcuda.emulator.library;

import io.github.distillcuda.ffi.CublasConstants;

/** A cublasLt layout, as it was described: anything goes until it is used. */
record LtLayout(int type, long rows, long columns, long ld) {
  ElementType elementType() {
    return type == CublasConstants.CUDA_R_32F ? ElementType.FLOAT32 : ElementType.BFLOAT16;
  }

  boolean hasEmulatedType() {
    return type == CublasConstants.CUDA_R_32F || type == CublasConstants.CUDA_R_16BF;
  }

  Matrices.Layout at(long address) {
    return new Matrices.Layout(
        address, elementType(), Math.toIntExact(rows), Math.toIntExact(columns), ld);
  }
}
