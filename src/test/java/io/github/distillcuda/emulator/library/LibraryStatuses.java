package io.github.distillcuda.emulator.library;

import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_STATUS_INVALID_VALUE;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_STATUS_NOT_INITIALIZED;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_STATUS_NOT_SUPPORTED;
import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_STATUS_BAD_PARAM;
import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_STATUS_NOT_INITIALIZED;
import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_STATUS_NOT_SUPPORTED;

import java.util.stream.Stream;

/** The statuses that a library answers with, by what they mean. */
record LibraryStatuses(
    Status notInitialized,
    Status invalid,
    Status notSupported,
    Status outOfMemory,
    Status executionFailed) {
  /** A status under its C name. */
  record Status(int code, String name) {}

  static final LibraryStatuses CUDNN =
      new LibraryStatuses(
          new Status(CUDNN_STATUS_NOT_INITIALIZED, "CUDNN_STATUS_NOT_INITIALIZED"),
          new Status(CUDNN_STATUS_BAD_PARAM, "CUDNN_STATUS_BAD_PARAM"),
          new Status(CUDNN_STATUS_NOT_SUPPORTED, "CUDNN_STATUS_NOT_SUPPORTED"),
          new Status(4004, "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
          new Status(5000, "CUDNN_STATUS_EXECUTION_FAILED"));

  /** Those of cuBLAS, and of cublasLt too. */
  static final LibraryStatuses CUBLAS =
      new LibraryStatuses(
          new Status(CUBLAS_STATUS_NOT_INITIALIZED, "CUBLAS_STATUS_NOT_INITIALIZED"),
          new Status(CUBLAS_STATUS_INVALID_VALUE, "CUBLAS_STATUS_INVALID_VALUE"),
          new Status(CUBLAS_STATUS_NOT_SUPPORTED, "CUBLAS_STATUS_NOT_SUPPORTED"),
          new Status(3, "CUBLAS_STATUS_ALLOC_FAILED"),
          new Status(13, "CUBLAS_STATUS_EXECUTION_FAILED"));

  /** Returns the name of a status of this library. */
  String name(int code) {
    return Stream.of(notInitialized, invalid, notSupported, outOfMemory, executionFailed)
        .filter(status -> status.code() == code)
        .findFirst()
        .orElseThrow()
        .name();
  }
}
