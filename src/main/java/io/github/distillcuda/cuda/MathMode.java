package io.github.distillcuda.cuda;

import io.github.distillcuda.ffi.CublasConstants;
import io.github.distillcuda.ffi.CudnnConstants;
import java.util.Locale;

/** How the libraries may round the float32 inputs of products; sums are float32 in both. */
public enum MathMode {
  /** Not at all. */
  FP32(
      CudnnConstants.CUDNN_FMA_MATH,
      CublasConstants.CUBLAS_DEFAULT_MATH,
      CublasConstants.CUBLAS_COMPUTE_32F),

  /**
   * To the 10 bits of TF32, for tensor cores of compute capability 8.0 and later. cuDNN's default
   * allows that; its "allow conversion" would go down to float16.
   */
  TF32(
      CudnnConstants.CUDNN_DEFAULT_MATH,
      CublasConstants.CUBLAS_TF32_TENSOR_OP_MATH,
      CublasConstants.CUBLAS_COMPUTE_32F_FAST_TF32);

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
