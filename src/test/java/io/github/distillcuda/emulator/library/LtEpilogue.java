package io.github.distillcuda.emulator.library;

import io.github.distillcuda.ffi.CublasConstants;
import java.util.Optional;
import java.util.stream.Stream;

/** What cublasLt does next to a product. */
enum LtEpilogue {
  DEFAULT(CublasConstants.CUBLASLT_EPILOGUE_DEFAULT),
  BIAS(CublasConstants.CUBLASLT_EPILOGUE_BIAS),
  RELU_BIAS(CublasConstants.CUBLASLT_EPILOGUE_RELU_BIAS),

  /** The gradient of a bias: the sums of B over k. */
  BGRADB(CublasConstants.CUBLASLT_EPILOGUE_BGRADB);

  private final int number;

  LtEpilogue(int number) {
    this.number = number;
  }

  /** Returns the epilogue of a {@code cublasLtEpilogue_t}, if it is emulated. */
  static Optional<LtEpilogue> of(long number) {
    return Stream.of(values()).filter(epilogue -> epilogue.number == number).findFirst();
  }

  boolean addsBias() {
    return this == BIAS || this == RELU_BIAS;
  }
}
