package io.github.distillcuda.emulator.library;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CublasConstants;

/** What cuBLAS and cublasLt have in common on an emulated device: which products they know. */
abstract class EmulatedProducts extends EmulatedLibrary {
  static final int VERSION = 130_101;

  EmulatedProducts(EmulatedDevice device) {
    super(device, LibraryStatuses.CUBLAS);
  }

  final boolean transposes(int op) {
    emulated(op == CublasConstants.CUBLAS_OP_N || op == CublasConstants.CUBLAS_OP_T, () -> "op");
    return op == CublasConstants.CUBLAS_OP_T;
  }

  /** Whether a {@code cublasComputeType_t} asks for factors rounded to TF32. */
  final boolean asksForTf32(int computeType) {
    return switch (computeType) {
      case CublasConstants.CUBLAS_COMPUTE_32F, CublasConstants.CUBLAS_COMPUTE_32F_PEDANTIC -> false;
      case CublasConstants.CUBLAS_COMPUTE_32F_FAST_TF32 -> true;
      default -> throw notEmulated("compute type " + computeType);
    };
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
