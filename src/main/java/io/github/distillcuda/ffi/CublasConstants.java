package io.github.distillcuda.ffi;

/** The numbers of the headers of cuBLAS and cublasLt that are used, under their C names. */
public final class CublasConstants {
  // cublasStatus_t
  public static final int CUBLAS_STATUS_NOT_INITIALIZED = 1;
  public static final int CUBLAS_STATUS_INVALID_VALUE = 7;
  public static final int CUBLAS_STATUS_ARCH_MISMATCH = 8;
  public static final int CUBLAS_STATUS_NOT_SUPPORTED = 15;

  // cublasOperation_t
  public static final int CUBLAS_OP_N = 0;
  public static final int CUBLAS_OP_T = 1;

  // cublasMath_t
  public static final int CUBLAS_DEFAULT_MATH = 0;
  public static final int CUBLAS_TF32_TENSOR_OP_MATH = 3;
  public static final int CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION = 16;

  // cudaDataType_t
  public static final int CUDA_R_32F = 0;
  public static final int CUDA_R_16BF = 14;

  // cublasComputeType_t
  public static final int CUBLAS_COMPUTE_32F = 68;
  public static final int CUBLAS_COMPUTE_32F_PEDANTIC = 69;
  public static final int CUBLAS_COMPUTE_32F_FAST_TF32 = 77;

  // cublasGemmAlgo_t
  public static final int CUBLAS_GEMM_DEFAULT = -1;

  // cublasLtMatmulDescAttributes_t; operations and epilogue have 32 bits, the others 64
  public static final int CUBLASLT_MATMUL_DESC_TRANSA = 3;
  public static final int CUBLASLT_MATMUL_DESC_TRANSB = 4;
  public static final int CUBLASLT_MATMUL_DESC_EPILOGUE = 7;
  public static final int CUBLASLT_MATMUL_DESC_BIAS_POINTER = 8;

  // cublasLtEpilogue_t
  public static final int CUBLASLT_EPILOGUE_DEFAULT = 1;
  public static final int CUBLASLT_EPILOGUE_BIAS = 4;
  public static final int CUBLASLT_EPILOGUE_RELU_BIAS = 6;
  public static final int CUBLASLT_EPILOGUE_BGRADB = 512;

  // cublasLtMatmulPreferenceAttributes_t; the bytes have 64 bits, the mask 32
  public static final int CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1;
  public static final int CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK = 3;

  // cublasLtMatmulAlgoConfigAttributes_t, all of 32 bits
  public static final int CUBLASLT_ALGO_CONFIG_ID = 0;
  public static final int CUBLASLT_ALGO_CONFIG_TILE_ID = 1;
  public static final int CUBLASLT_ALGO_CONFIG_SPLITK_NUM = 2;
  public static final int CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME = 3;

  /** Bytes of a {@code cublasLtMatmulAlgo_t}, which has no pointers and may be copied. */
  public static final long ALGORITHM_BYTES = 64;

  /** Bytes of a {@code cublasLtMatmulHeuristicResult_t}, which begins with its algorithm. */
  public static final long HEURISTIC_BYTES = 96;

  /** Where a heuristic result has the bytes of workspace, 64 bits. */
  public static final long HEURISTIC_WORKSPACE_OFFSET = 64;

  /** Where a heuristic result has its status, 32 bits. */
  public static final long HEURISTIC_STATUS_OFFSET = 72;

  private CublasConstants() {}
}
