package io.github.distillcuda.emulator.library;

import io.github.distillcuda.ffi.CublasConstants;
import java.util.Optional;
import java.util.Set;

/** A product with its layouts: {@code D = epilogue(alpha*op(A)*op(B) + beta*C)}. */
record LtProblem(LtMatmul matmul, LtLayout a, LtLayout b, LtLayout c, LtLayout d) {
  private static final Set<Integer> EPILOGUES =
      Set.of(
          CublasConstants.CUBLASLT_EPILOGUE_DEFAULT,
          CublasConstants.CUBLASLT_EPILOGUE_BIAS,
          CublasConstants.CUBLASLT_EPILOGUE_RELU_BIAS,
          CublasConstants.CUBLASLT_EPILOGUE_RELU_AUX_BIAS,
          CublasConstants.CUBLASLT_EPILOGUE_DRELU,
          CublasConstants.CUBLASLT_EPILOGUE_DRELU_BGRAD,
          CublasConstants.CUBLASLT_EPILOGUE_BGRADA,
          CublasConstants.CUBLASLT_EPILOGUE_BGRADB);

  private static final long MASK_LD_MULTIPLE = 128;

  boolean transposesA() {
    return matmul.opA() == CublasConstants.CUBLAS_OP_T;
  }

  boolean transposesB() {
    return matmul.opB() == CublasConstants.CUBLAS_OP_T;
  }

  long m() {
    return transposesA() ? a.columns() : a.rows();
  }

  long k() {
    return transposesA() ? a.rows() : a.columns();
  }

  long n() {
    return transposesB() ? b.rows() : b.columns();
  }

  int epilogue() {
    return matmul.epilogue();
  }

  boolean tf32() {
    return matmul.computeType() == CublasConstants.CUBLAS_COMPUTE_32F_FAST_TF32;
  }

  boolean usesMask() {
    return epilogue() == CublasConstants.CUBLASLT_EPILOGUE_RELU_AUX_BIAS
        || epilogue() == CublasConstants.CUBLASLT_EPILOGUE_DRELU
        || epilogue() == CublasConstants.CUBLASLT_EPILOGUE_DRELU_BGRAD;
  }

  private boolean usesBias() {
    return epilogue() != CublasConstants.CUBLASLT_EPILOGUE_DEFAULT
        && epilogue() != CublasConstants.CUBLASLT_EPILOGUE_DRELU;
  }

  boolean hasPointers() {
    return (!usesBias() || matmul.bias() != 0) && (!usesMask() || matmul.mask() != 0);
  }

  /** Returns what of it is not emulated. */
  Optional<String> notEmulated() {
    boolean ops = matmul.opA() >= 0 && matmul.opA() <= 1 && matmul.opB() >= 0 && matmul.opB() <= 1;
    boolean compute =
        tf32()
            || matmul.computeType() == CublasConstants.CUBLAS_COMPUTE_32F
            || matmul.computeType() == CublasConstants.CUBLAS_COMPUTE_32F_PEDANTIC;
    boolean types =
        a.hasEmulatedType() && b.hasEmulatedType() && c.hasEmulatedType() && d.hasEmulatedType();
    if (!ops || !compute || matmul.scaleType() != CublasConstants.CUDA_R_32F || !types) {
      return Optional.of("transposes, compute type or types of " + this);
    }
    return EPILOGUES.contains(epilogue())
        ? Optional.empty()
        : Optional.of("epilogue " + epilogue());
  }

  /** Returns what does not fit together. */
  Optional<String> mismatch() {
    for (LtLayout layout : new LtLayout[] {a, b, c, d}) {
      if (layout.rows() < 1 || layout.columns() < 1 || layout.ld() < layout.rows()) {
        return Optional.of("rows, columns or leading dimension of " + layout);
      }
    }
    long otherK = transposesB() ? b.columns() : b.rows();
    if (otherK != k() || d.rows() != m() || d.columns() != n()) {
      return Optional.of("the shapes of " + this);
    }
    if (c.rows() != d.rows() || c.columns() != d.columns() || c.type() != d.type()) {
      return Optional.of("C is not like D in " + this);
    }
    boolean single = a.type() == CublasConstants.CUDA_R_32F;
    if (a.type() != b.type() || single && d.type() != a.type() || tf32() && !single) {
      return Optional.of("the types of " + this);
    }
    if (usesMask() && (matmul.maskLd() % MASK_LD_MULTIPLE != 0 || matmul.maskLd() < m())) {
      return Optional.of("the mask's leading dimension " + matmul.maskLd());
    }
    return Optional.empty();
  }
}
