package io.github.distillcuda.emulator.library;

import java.util.stream.Stream;

/** The statuses that a library answers with, by what they mean; the numbers are its header's. */
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
          new Status(1001, "CUDNN_STATUS_NOT_INITIALIZED"),
          new Status(2000, "CUDNN_STATUS_BAD_PARAM"),
          new Status(3000, "CUDNN_STATUS_NOT_SUPPORTED"),
          new Status(4004, "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
          new Status(5000, "CUDNN_STATUS_EXECUTION_FAILED"));

  /** Those of cuBLAS, and of cublasLt too. */
  static final LibraryStatuses CUBLAS =
      new LibraryStatuses(
          new Status(1, "CUBLAS_STATUS_NOT_INITIALIZED"),
          new Status(7, "CUBLAS_STATUS_INVALID_VALUE"),
          new Status(15, "CUBLAS_STATUS_NOT_SUPPORTED"),
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
