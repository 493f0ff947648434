package io.github.distillcuda.ffi;

/** The numbers of cuDNN's headers that are used, without their prefix {@code CUDNN_}. */
public final class CudnnConstants {
  // cudnnStatus_t
  public static final int STATUS_NOT_INITIALIZED = 1001;
  public static final int STATUS_BAD_PARAM = 2000;
  public static final int STATUS_NOT_SUPPORTED = 3000;

  // cudnnDataType_t
  public static final int DATA_FLOAT = 0;
  public static final int DATA_BFLOAT16 = 9;

  // cudnnTensorFormat_t
  public static final int TENSOR_NCHW = 0;
  public static final int TENSOR_NHWC = 1;

  // cudnnMathType_t
  public static final int DEFAULT_MATH = 0;
  public static final int TENSOR_OP_MATH = 1;
  public static final int TENSOR_OP_MATH_ALLOW_CONVERSION = 2;
  public static final int FMA_MATH = 3;

  // cudnnConvolutionMode_t
  public static final int CROSS_CORRELATION = 1;

  // cudnnDeterminism_t
  public static final int DETERMINISTIC = 1;

  // cudnnNanPropagation_t
  public static final int PROPAGATE_NAN = 1;

  // cudnnActivationMode_t
  public static final int ACTIVATION_RELU = 1;
  public static final int ACTIVATION_IDENTITY = 5;

  // cudnnPoolingMode_t
  public static final int POOLING_MAX_DETERMINISTIC = 3;

  // cudnnConvolutionFwdAlgo_t
  public static final int FORWARD_IMPLICIT_GEMM = 0;
  public static final int FORWARD_IMPLICIT_PRECOMP_GEMM = 1;

  // cudnnConvolutionBwdDataAlgo_t, cudnnConvolutionBwdFilterAlgo_t
  public static final int BACKWARD_DATA_ALGORITHM_1 = 1;
  public static final int BACKWARD_FILTER_ALGORITHM_1 = 1;

  private CudnnConstants() {}
}
