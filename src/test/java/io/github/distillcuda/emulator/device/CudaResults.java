package io.github.distillcuda.emulator.device;

import io.github.distillcuda.ffi.CudaConstants;
import java.util.Map;

/** The results of cuda.h that the emulated driver has, beyond those that the program knows. */
final class CudaResults {
  static final int INVALID_VALUE = 1;
  static final int NO_CONTEXT = 201;
  static final int INVALID_HANDLE = 400;
  static final int ILLEGAL_STATE = 401;
  static final int NOT_FOUND = 500;
  static final int CAPTURE_UNSUPPORTED = 900;
  static final int CAPTURE_INVALIDATED = 901;
  static final int CAPTURE_MERGE = 902;
  static final int CAPTURE_UNMATCHED = 903;
  static final int CAPTURE_UNJOINED = 904;
  static final int CAPTURE_ISOLATION = 905;
  static final int CAPTURED_EVENT = 907;
  static final int CAPTURE_WRONG_THREAD = 908;

  private static final Map<Integer, String> NAMES =
      Map.ofEntries(
          Map.entry(INVALID_VALUE, "INVALID_VALUE"),
          Map.entry(CudaConstants.CUDA_ERROR_OUT_OF_MEMORY, "OUT_OF_MEMORY"),
          Map.entry(NO_CONTEXT, "INVALID_CONTEXT"),
          Map.entry(CudaConstants.CUDA_ERROR_NO_BINARY_FOR_GPU, "NO_BINARY_FOR_GPU"),
          Map.entry(CudaConstants.CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "UNSUPPORTED_PTX_VERSION"),
          Map.entry(INVALID_HANDLE, "INVALID_HANDLE"),
          Map.entry(ILLEGAL_STATE, "ILLEGAL_STATE"),
          Map.entry(NOT_FOUND, "NOT_FOUND"),
          Map.entry(CudaConstants.CUDA_ERROR_NOT_READY, "NOT_READY"),
          Map.entry(CAPTURE_UNSUPPORTED, "STREAM_CAPTURE_UNSUPPORTED"),
          Map.entry(CAPTURE_INVALIDATED, "STREAM_CAPTURE_INVALIDATED"),
          Map.entry(CAPTURE_MERGE, "STREAM_CAPTURE_MERGE"),
          Map.entry(CAPTURE_UNMATCHED, "STREAM_CAPTURE_UNMATCHED"),
          Map.entry(CAPTURE_UNJOINED, "STREAM_CAPTURE_UNJOINED"),
          Map.entry(CAPTURE_ISOLATION, "STREAM_CAPTURE_ISOLATION"),
          Map.entry(CAPTURED_EVENT, "CAPTURED_EVENT"),
          Map.entry(CAPTURE_WRONG_THREAD, "STREAM_CAPTURE_WRONG_THREAD"));

  private CudaResults() {}

  static String name(int result) {
    return "CUDA_ERROR_" + NAMES.getOrDefault(result, String.valueOf(result));
  }
}
