package io.github.distillcuda.emulator.library;

import io.github.distillcuda.ffi.CublasConstants;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.NativeException;

/** The statuses that cuBLAS and cublasLt share. */
final class CublasStatus {
  static final int ALLOC_FAILED = 3;
  static final int EXECUTION_FAILED = 13;

  private CublasStatus() {}

  static NativeException failure(String call, int status, String reason) {
    String name =
        switch (status) {
          case CublasConstants.CUBLAS_STATUS_NOT_INITIALIZED -> "NOT_INITIALIZED";
          case ALLOC_FAILED -> "ALLOC_FAILED";
          case CublasConstants.CUBLAS_STATUS_INVALID_VALUE -> "INVALID_VALUE";
          case EXECUTION_FAILED -> "EXECUTION_FAILED";
          case CublasConstants.CUBLAS_STATUS_NOT_SUPPORTED -> "NOT_SUPPORTED";
          default -> String.valueOf(status);
        };
    return new NativeException(call, "CUBLAS_STATUS_" + name, status, reason);
  }

  static int of(int driverResult) {
    return driverResult == CudaConstants.CUDA_ERROR_OUT_OF_MEMORY ? ALLOC_FAILED : EXECUTION_FAILED;
  }
}
