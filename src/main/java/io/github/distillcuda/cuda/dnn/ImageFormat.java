package io.github.distillcuda.cuda.dnn;

import io.github.distillcuda.cuda.MathMode;
import io.github.distillcuda.ffi.CudnnConstants;

/** Type and order of the elements of images and filters. */
public enum ImageFormat {
  /** [N, C, H, W] and [out, in, height, width]. */
  NCHW_FLOAT32(CudnnConstants.CUDNN_DATA_FLOAT, CudnnConstants.CUDNN_TENSOR_NCHW),
  /** [N, H, W, C] and [out, height, width, in], which tensor cores read as they lie. */
  NHWC_BFLOAT16(CudnnConstants.CUDNN_DATA_BFLOAT16, CudnnConstants.CUDNN_TENSOR_NHWC);

  private final int dataType;
  private final int order;

  ImageFormat(int dataType, int order) {
    this.dataType = dataType;
    this.order = order;
  }

  /** Returns what convolutions take in an arithmetic. */
  public static ImageFormat of(MathMode math) {
    return math.multipliesBfloat16() ? NHWC_BFLOAT16 : NCHW_FLOAT32;
  }

  /** Returns the {@code cudnnDataType_t}. */
  int dataType() {
    return dataType;
  }

  /** Returns the {@code cudnnTensorFormat_t}. */
  int order() {
    return order;
  }
}
