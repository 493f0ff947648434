package io.github.distillcuda.emulator.library;

import io.github.distillcuda.ffi.CublasConstants;
import java.util.Optional;
import java.util.stream.Stream;

/** What cublasLt does next to a product D: with a bias or its gradient, and with a mask. */
enum LtEpilogue {
  DEFAULT(CublasConstants.CUBLASLT_EPILOGUE_DEFAULT, Bias.NONE, Mask.NONE, false),
  BIAS(CublasConstants.CUBLASLT_EPILOGUE_BIAS, Bias.ADDED, Mask.NONE, false),
  RELU_BIAS(CublasConstants.CUBLASLT_EPILOGUE_RELU_BIAS, Bias.ADDED, Mask.NONE, true),
  RELU_AUX_BIAS(CublasConstants.CUBLASLT_EPILOGUE_RELU_AUX_BIAS, Bias.ADDED, Mask.WRITTEN, true),
  DRELU(CublasConstants.CUBLASLT_EPILOGUE_DRELU, Bias.NONE, Mask.APPLIED, false),
  DRELU_BGRAD(CublasConstants.CUBLASLT_EPILOGUE_DRELU_BGRAD, Bias.SUM_OF_D, Mask.APPLIED, false),
  BGRADA(CublasConstants.CUBLASLT_EPILOGUE_BGRADA, Bias.SUM_OF_A, Mask.NONE, false),
  BGRADB(CublasConstants.CUBLASLT_EPILOGUE_BGRADB, Bias.SUM_OF_B, Mask.NONE, false);

  /** What happens at the bias pointer: a bias is read, or its gradient written. */
  enum Bias {
    NONE,
    ADDED,
    SUM_OF_D,
    SUM_OF_A,
    SUM_OF_B
  }

  /** What happens at the auxiliary pointer: a bit an element, set where a ReLU let it pass. */
  enum Mask {
    NONE,
    WRITTEN,
    APPLIED
  }

  private final int number;
  private final Bias bias;
  private final Mask mask;
  private final boolean relu;

  LtEpilogue(int number, Bias bias, Mask mask, boolean relu) {
    this.number = number;
    this.bias = bias;
    this.mask = mask;
    this.relu = relu;
  }

  /** Returns the epilogue of a {@code cublasLtEpilogue_t}, if it is emulated. */
  static Optional<LtEpilogue> of(long number) {
    return Stream.of(values()).filter(epilogue -> epilogue.number == number).findFirst();
  }

  Bias bias() {
    return bias;
  }

  Mask mask() {
    return mask;
  }

  boolean relu() {
    return relu;
  }
}
