package io.github.distillcuda.cuda;

import io.github.distillcuda.ffi.CublasConstants;
import io.github.distillcuda.ffi.CudnnConstants;
import java.util.Locale;

/** What the libraries multiply; sums are float32 in all. */
public enum MathMode {
  /** Float32, not rounded. */
  FP32(
      CudnnConstants.CUDNN_FMA_MATH,
      CublasConstants.CUBLAS_DEFAULT_MATH,
      CublasConstants.CUBLAS_COMPUTE_32F),

  /**
   * Float32, rounded to the 10 bits of TF32, for tensor cores of compute capability 8.0 and later.
   * cuDNN's default allows that; its "allow conversion" would go down to float16.
   */
  TF32(
      CudnnConstants.CUDNN_DEFAULT_MATH,
      CublasConstants.CUBLAS_TF32_TENSOR_OP_MATH,
      CublasConstants.CUBLAS_COMPUTE_32F_FAST_TF32),

  /**
   * Operands that are bfloat16 already, for compute capability 8.0 and later. Partial sums stay
   * float32 where the result is bfloat16 too.
   */
  BF16(
      CudnnConstants.CUDNN_TENSOR_OP_MATH,
      CublasConstants.CUBLAS_DEFAULT_MATH
          | CublasConstants.CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION,
      CublasConstants.CUBLAS_COMPUTE_32F);

  private final int convolution;
  private final int cublas;
  private final int computeType;

  MathMode(int convolution, int cublas, int computeType) {
    this.convolution = convolution;
    this.cublas = cublas;
    this.computeType = computeType;
  }

  /** Returns the {@code cudnnMathType_t} of a convolution. */
  public int convolution() {
    return convolution;
  }

  /** Returns whether a {@code cudnnMathType_t} that was measured rounds no more than this. */
  public boolean accepts(int mathType) {
    return this == FP32
        ? mathType == convolution
        : mathType != CudnnConstants.CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION;
  }

  /** Returns the {@code cublasMath_t} of a handle. */
  public int cublas() {
    return cublas;
  }

  /** Returns whether operands are bfloat16, not float32. */
  public boolean multipliesBfloat16() {
    return this == BF16;
  }

  /** Returns the name that users give it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Returns the {@code cublasComputeType_t} of a product by cublasLt. */
  public int computeType() {
    return computeType;
  }
}
