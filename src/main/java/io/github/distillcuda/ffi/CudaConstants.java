package io.github.distillcuda.ffi;

/** The numbers of cuda.h that are used, without their prefix {@code CU_}. */
public final class CudaConstants {
  // CUresult
  public static final int ERROR_INVALID_VALUE = 1;
  public static final int ERROR_OUT_OF_MEMORY = 2;
  public static final int ERROR_NOT_INITIALIZED = 3;
  public static final int ERROR_STUB_LIBRARY = 34;
  public static final int ERROR_NO_DEVICE = 100;
  public static final int ERROR_NO_BINARY_FOR_GPU = 209;
  public static final int ERROR_INVALID_PTX = 218;
  public static final int ERROR_UNSUPPORTED_PTX_VERSION = 222;
  public static final int ERROR_INVALID_HANDLE = 400;
  public static final int ERROR_NOT_FOUND = 500;
  public static final int ERROR_NOT_READY = 600;
  public static final int ERROR_ILLEGAL_ADDRESS = 700;
  public static final int ERROR_SYSTEM_DRIVER_MISMATCH = 803;

  // CUdevice_attribute
  public static final int DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16;
  public static final int DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75;
  public static final int DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76;

  // CUstream_flags, CUevent_flags
  public static final int STREAM_NON_BLOCKING = 1;
  public static final int EVENT_DEFAULT = 0;
  public static final int EVENT_DISABLE_TIMING = 2;

  // CUjit_option
  public static final int JIT_ERROR_LOG_BUFFER = 5;
  public static final int JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6;

  // CUfunction_attribute
  public static final int FUNCTION_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8;

  // CUstreamCaptureMode, CUstreamCaptureStatus
  public static final int CAPTURE_MODE_THREAD_LOCAL = 1;
  public static final int CAPTURE_STATUS_NONE = 0;
  public static final int CAPTURE_STATUS_ACTIVE = 1;
  public static final int CAPTURE_STATUS_INVALIDATED = 2;

  // CUgraphNodeType
  public static final int GRAPH_NODE_KERNEL = 0;

  private CudaConstants() {}
}
