package io.github.distillcuda.emulator.library;

import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_COMPUTE_32F;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_COMPUTE_32F_FAST_TF32;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_COMPUTE_32F_PEDANTIC;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_OP_N;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_OP_T;

import io.github.distillcuda.emulator.device.EmulatedDevice;

/** What cuBLAS and cublasLt have in common on an emulated device: which products they know. */
abstract class EmulatedProducts extends EmulatedLibrary {
  static final int VERSION = 130_101;

  EmulatedProducts(EmulatedDevice device) {
    super(device, LibraryStatuses.CUBLAS);
  }

  final boolean transposes(int op) {
    emulated(op == CUBLAS_OP_N || op == CUBLAS_OP_T, () -> "op " + op);
    return op == CUBLAS_OP_T;
  }

  /** Whether a {@code cublasComputeType_t} asks for factors rounded to TF32. */
  final boolean asksForTf32(int computeType) {
    boolean tf32 = computeType == CUBLAS_COMPUTE_32F_FAST_TF32;
    emulated(
        tf32 || computeType == CUBLAS_COMPUTE_32F || computeType == CUBLAS_COMPUTE_32F_PEDANTIC,
        () -> "compute type " + computeType);
    return tf32;
  }

  final Matrix matrix(long address, int type, long rows, long columns, long ld) {
    ElementType known = ElementType.ofCuda(type).orElseThrow(() -> notEmulated("type " + type));
    requireValid(Math.min(rows, columns) >= 0, "a negative extent");
    requireValid(ld >= Math.max(1, rows), "a leading dimension is too small");
    emulated(Math.min(rows, columns) > 0, () -> "an empty matrix");
    int height = Math.toIntExact(rows);
    return new Matrix(device().memory(), address, known, height, Math.toIntExact(columns), ld, 1);
  }
}
