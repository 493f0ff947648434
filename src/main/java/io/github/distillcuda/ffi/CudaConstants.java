package io.github.distillcuda.ffi;

/** The numbers of cuda.h that are used, under their C names. */
public final class CudaConstants {
  // CUresult
  public static final int CUDA_ERROR_OUT_OF_MEMORY = 2;
  public static final int CUDA_ERROR_STUB_LIBRARY = 34;
  public static final int CUDA_ERROR_NO_DEVICE = 100;
  public static final int CUDA_ERROR_NO_BINARY_FOR_GPU = 209;
  public static final int CUDA_ERROR_ECC_UNCORRECTABLE = 214;
  public static final int CUDA_ERROR_INVALID_PTX = 218;
  public static final int CUDA_ERROR_NVLINK_UNCORRECTABLE = 220;
  public static final int CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222;
  public static final int CUDA_ERROR_CONTAINED = 226;
  public static final int CUDA_ERROR_NOT_READY = 600;
  public static final int CUDA_ERROR_ILLEGAL_ADDRESS = 700;
  public static final int CUDA_ERROR_LAUNCH_TIMEOUT = 702;
  public static final int CUDA_ERROR_CONTEXT_IS_DESTROYED = 709;
  public static final int CUDA_ERROR_ASSERT = 710;
  public static final int CUDA_ERROR_HARDWARE_STACK_ERROR = 714;
  public static final int CUDA_ERROR_ILLEGAL_INSTRUCTION = 715;
  public static final int CUDA_ERROR_MISALIGNED_ADDRESS = 716;
  public static final int CUDA_ERROR_INVALID_ADDRESS_SPACE = 717;
  public static final int CUDA_ERROR_INVALID_PC = 718;
  public static final int CUDA_ERROR_LAUNCH_FAILED = 719;
  public static final int CUDA_ERROR_TENSOR_MEMORY_LEAK = 721;
  public static final int CUDA_ERROR_SYSTEM_NOT_READY = 802;
  public static final int CUDA_ERROR_SYSTEM_DRIVER_MISMATCH = 803;
  public static final int CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE = 804;
  public static final int CUDA_ERROR_MPS_CLIENT_TERMINATED = 810;
  public static final int CUDA_ERROR_EXTERNAL_DEVICE = 911;
  public static final int CUDA_ERROR_INVALID_CLUSTER_SIZE = 912;

  // CUdevice_attribute
  public static final int CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16;
  public static final int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75;
  public static final int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76;
  public static final int CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97;

  // CUstream_flags, CUevent_flags
  public static final int CU_STREAM_NON_BLOCKING = 1;
  public static final int CU_EVENT_DEFAULT = 0;
  public static final int CU_EVENT_DISABLE_TIMING = 2;

  // CUjit_option
  public static final int CU_JIT_ERROR_LOG_BUFFER = 5;
  public static final int CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6;

  // CUfunction_attribute
  public static final int CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8;
  public static final int CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED = 14;

  // CUstreamCaptureMode
  public static final int CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1;

  private CudaConstants() {}
}
