package io.github.distillcuda.emulator.library;

import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_DESC_BIAS_POINTER;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_DESC_EPILOGUE;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_DESC_TRANSA;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_MATMUL_DESC_TRANSB;

import io.github.distillcuda.ffi.CublasConstants;
import java.util.HashMap;
import java.util.Map;

/** A cublasLt description of a product, as it was made: anything goes until it is used. */
record LtMatmul(int computeType, int scaleType, Map<Integer, Long> attributes) {
  /** The bytes of each attribute that is emulated. */
  static final Map<Integer, Integer> ATTRIBUTE_BYTES =
      Map.of(
          CUBLASLT_MATMUL_DESC_TRANSA, 4,
          CUBLASLT_MATMUL_DESC_TRANSB, 4,
          CUBLASLT_MATMUL_DESC_EPILOGUE, 4,
          CUBLASLT_MATMUL_DESC_BIAS_POINTER, 8);

  LtMatmul(int computeType, int scaleType) {
    this(computeType, scaleType, new HashMap<>());
  }

  /** Returns what it says now: it may be changed once a product is asked for. */
  LtMatmul copy() {
    return new LtMatmul(computeType, scaleType, Map.copyOf(attributes));
  }

  private long get(int attribute) {
    return attributes.getOrDefault(attribute, 0L);
  }

  long epilogue() {
    return attributes.getOrDefault(
        CUBLASLT_MATMUL_DESC_EPILOGUE, (long) CublasConstants.CUBLASLT_EPILOGUE_DEFAULT);
  }

  long bias() {
    return get(CUBLASLT_MATMUL_DESC_BIAS_POINTER);
  }

  boolean transposesA() {
    return get(CUBLASLT_MATMUL_DESC_TRANSA) == CublasConstants.CUBLAS_OP_T;
  }

  boolean transposesB() {
    return get(CUBLASLT_MATMUL_DESC_TRANSB) == CublasConstants.CUBLAS_OP_T;
  }

  boolean tf32() {
    return computeType == CublasConstants.CUBLAS_COMPUTE_32F_FAST_TF32;
  }

  /** Whether transposes and types are some that are emulated. */
  boolean isEmulated() {
    return isTransposeOrNot(CUBLASLT_MATMUL_DESC_TRANSA)
        && isTransposeOrNot(CUBLASLT_MATMUL_DESC_TRANSB)
        && scaleType == CublasConstants.CUDA_R_32F
        && (tf32()
            || computeType == CublasConstants.CUBLAS_COMPUTE_32F
            || computeType == CublasConstants.CUBLAS_COMPUTE_32F_PEDANTIC);
  }

  private boolean isTransposeOrNot(int attribute) {
    return get(attribute) == CublasConstants.CUBLAS_OP_N
        || get(attribute) == CublasConstants.CUBLAS_OP_T;
  }
}
