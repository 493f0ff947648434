package io.github.distillcuda.emulator.library;

import io.github.distillcuda.ffi.CublasConstants;
import java.util.Map;

/** A cublasLt description of a product, as it was made: anything goes until it is used. */
record LtMatmul(int computeType, int scaleType, Map<Integer, Number> attributes) {
  long attribute(int attribute, long unset) {
    Number value = attributes.get(attribute);
    return value == null ? unset : value.longValue();
  }

  int epilogue() {
    return (int)
        attribute(
            CublasConstants.CUBLASLT_MATMUL_DESC_EPILOGUE,
            CublasConstants.CUBLASLT_EPILOGUE_DEFAULT);
  }

  long bias() {
    return attribute(CublasConstants.CUBLASLT_MATMUL_DESC_BIAS_POINTER, 0);
  }

  long mask() {
    return attribute(CublasConstants.CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, 0);
  }

  long maskLd() {
    return attribute(CublasConstants.CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, 0);
  }

  long opA() {
    return attribute(CublasConstants.CUBLASLT_MATMUL_DESC_TRANSA, CublasConstants.CUBLAS_OP_N);
  }

  long opB() {
    return attribute(CublasConstants.CUBLASLT_MATMUL_DESC_TRANSB, CublasConstants.CUBLAS_OP_N);
  }
}
