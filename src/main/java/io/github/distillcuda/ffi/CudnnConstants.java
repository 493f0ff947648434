package io.github.distillcuda.ffi;

/** The numbers of cuDNN's headers that are used, under their C names. */
public final class CudnnConstants {
  // cudnnStatus_t
  public static final int CUDNN_STATUS_NOT_INITIALIZED = 1001;
  public static final int CUDNN_STATUS_NOT_SUPPORTED = 3000;

  // cudnnDataType_t
  public static final int CUDNN_DATA_FLOAT = 0;
  public static final int CUDNN_DATA_BFLOAT16 = 9;

  // cudnnTensorFormat_t
  public static final int CUDNN_TENSOR_NCHW = 0;
  public static final int CUDNN_TENSOR_NHWC = 1;

  // cudnnMathType_t; with the default, Ampere and later may round float32 inputs to TF32
  public static final int CUDNN_DEFAULT_MATH = 0;
  public static final int CUDNN_TENSOR_OP_MATH = 1;
  public static final int CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION = 2;
  public static final int CUDNN_FMA_MATH = 3;

  // cudnnConvolutionMode_t
  public static final int CUDNN_CROSS_CORRELATION = 1;

  // cudnnDeterminism_t
  public static final int CUDNN_DETERMINISTIC = 1;

  // cudnnNanPropagation_t
  public static final int CUDNN_PROPAGATE_NAN = 1;

  // cudnnActivationMode_t
  public static final int CUDNN_ACTIVATION_RELU = 1;

  // cudnnPoolingMode_t
  public static final int CUDNN_POOLING_MAX_DETERMINISTIC = 3;

  // cudnnConvolutionFwdAlgo_t
  public static final int CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM = 1;

  // cudnnConvolutionBwdDataAlgo_t, cudnnConvolutionBwdFilterAlgo_t; 0 and 3 are not deterministic
  public static final int CUDNN_CONVOLUTION_BWD_DATA_ALGO_1 = 1;
  public static final int CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1 = 1;
  public static final int CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED = 5;

  private CudnnConstants() {}
}
