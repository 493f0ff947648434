package io.github.distillcuda.emulator.library;

import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_STATUS_BAD_PARAM;
import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_STATUS_NOT_SUPPORTED;

import io.github.distillcuda.emulator.device.EmulatedApi;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.CudnnConstants;
import io.github.distillcuda.ffi.CudnnDescriptorApi;
import io.github.distillcuda.ffi.NativeException;

/** cuDNN's descriptors; what they take and refuse was asked of cuDNN 9.24, which needs no GPU. */
abstract class EmulatedCudnnDescriptors extends EmulatedApi implements CudnnDescriptorApi {
  private static final int EXECUTION_FAILED = 5000;
  private static final int DEVICE_ALLOCATION_FAILED = 4004;

  static final class TensorDescriptor {
    private TensorShape shape;
  }

  static final class FilterDescriptor {
    private TensorShape shape;
  }

  static final class ConvolutionDescriptor {
    private ConvolutionShape shape;
    private int mathType = CudnnConstants.CUDNN_DEFAULT_MATH;

    int mathType() {
      return mathType;
    }
  }

  static final class PoolingDescriptor {
    private PoolingShape shape;
  }

  static final class ActivationDescriptor {
    private int mode = -1;
    private int nanPropagation;

    int mode() {
      return mode;
    }

    boolean propagatesNan() {
      return nanPropagation == CudnnConstants.CUDNN_PROPAGATE_NAN;
    }
  }

  EmulatedCudnnDescriptors(EmulatedDevice device) {
    super(device);
  }

  @Override
  protected final RuntimeException failure(String call, int status, String reason) {
    String name =
        switch (status) {
          case CudnnConstants.CUDNN_STATUS_NOT_INITIALIZED -> "NOT_INITIALIZED";
          case CUDNN_STATUS_BAD_PARAM -> "BAD_PARAM";
          case CUDNN_STATUS_NOT_SUPPORTED -> "NOT_SUPPORTED";
          case DEVICE_ALLOCATION_FAILED -> "INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED";
          case EXECUTION_FAILED -> "EXECUTION_FAILED";
          default -> String.valueOf(status);
        };
    return new NativeException(call, "CUDNN_STATUS_" + name, status, reason);
  }

  @Override
  protected final int statusOf(int driverResult) {
    return driverResult == CudaConstants.CUDA_ERROR_OUT_OF_MEMORY
        ? DEVICE_ALLOCATION_FAILED
        : EXECUTION_FAILED;
  }

  final void requireParam(boolean holds, String reason) {
    require(holds, CUDNN_STATUS_BAD_PARAM, reason);
  }

  private <T> T set(T shape, String what) {
    requireParam(shape != null, "the " + what + " was never set");
    return shape;
  }

  final TensorShape tensor(long tensor) {
    return set(require(TensorDescriptor.class, tensor, CUDNN_STATUS_BAD_PARAM).shape, "tensor");
  }

  final TensorShape filter(long filter) {
    return set(require(FilterDescriptor.class, filter, CUDNN_STATUS_BAD_PARAM).shape, "filter");
  }

  final ConvolutionDescriptor convolution(long convolution) {
    return require(ConvolutionDescriptor.class, convolution, CUDNN_STATUS_BAD_PARAM);
  }

  final ConvolutionShape shape(ConvolutionDescriptor convolution) {
    return set(convolution.shape, "convolution");
  }

  final PoolingShape pooling(long pooling) {
    return set(require(PoolingDescriptor.class, pooling, CUDNN_STATUS_BAD_PARAM).shape, "pooling");
  }

  final ActivationDescriptor activation(long activation) {
    ActivationDescriptor descriptor =
        require(ActivationDescriptor.class, activation, CUDNN_STATUS_BAD_PARAM);
    requireParam(descriptor.mode >= 0, "the activation was never set");
    return descriptor;
  }

  /** Nothing is destroyed without complaint. */
  private <T> void end(Class<T> type, String function, long handle) {
    if (handle == 0) {
      call(function, handle);
    } else {
      callToEnd(type, CUDNN_STATUS_BAD_PARAM, function, handle);
    }
  }

  private TensorShape packed(int format, int dataType, int n, int c, int h, int w) {
    requireParam(isFormat(format) && isDataType(dataType), "format or type");
    requireParam(Math.min(Math.min(n, c), Math.min(h, w)) > 0, "an extent below 1");
    return new TensorShape(format, dataType, n, c, h, w);
  }

  private static boolean isFormat(int format) {
    return format == CudnnConstants.CUDNN_TENSOR_NCHW || format == CudnnConstants.CUDNN_TENSOR_NHWC;
  }

  /** The types are 0 to 15 without gaps that matter here. */
  private static boolean isDataType(int type) {
    return type >= 0 && type <= 15;
  }

  private static boolean isNanPropagation(int value) {
    return value == 0 || value == CudnnConstants.CUDNN_PROPAGATE_NAN;
  }

  @Override
  public final long cudnnCreateTensorDescriptor() {
    call("cudnnCreateTensorDescriptor");
    return device().add("tensor", new TensorDescriptor());
  }

  @Override
  public final void cudnnSetTensor4dDescriptor(
      long tensor, int format, int dataType, int n, int c, int h, int w) {
    call("cudnnSetTensor4dDescriptor", tensor, format, dataType, n, c, h, w);
    TensorDescriptor descriptor = require(TensorDescriptor.class, tensor, CUDNN_STATUS_BAD_PARAM);
    TensorShape shape = packed(format, dataType, n, c, h, w);
    require(
        (double) n * c * h * w <= Integer.MAX_VALUE,
        CUDNN_STATUS_NOT_SUPPORTED,
        "2^31 elements or more");
    descriptor.shape = shape;
  }

  @Override
  public final void cudnnDestroyTensorDescriptor(long tensor) {
    end(TensorDescriptor.class, "cudnnDestroyTensorDescriptor", tensor);
  }

  @Override
  public final long cudnnCreateFilterDescriptor() {
    call("cudnnCreateFilterDescriptor");
    return device().add("filter", new FilterDescriptor());
  }

  @Override
  public final void cudnnSetFilter4dDescriptor(
      long filter, int dataType, int format, int k, int c, int h, int w) {
    call("cudnnSetFilter4dDescriptor", filter, dataType, format, k, c, h, w);
    FilterDescriptor descriptor = require(FilterDescriptor.class, filter, CUDNN_STATUS_BAD_PARAM);
    descriptor.shape = packed(format, dataType, k, c, h, w);
  }

  @Override
  public final void cudnnDestroyFilterDescriptor(long filter) {
    end(FilterDescriptor.class, "cudnnDestroyFilterDescriptor", filter);
  }

  @Override
  public final long cudnnCreateConvolutionDescriptor() {
    call("cudnnCreateConvolutionDescriptor");
    return device().add("convolution", new ConvolutionDescriptor());
  }

  @Override
  public final void cudnnSetConvolution2dDescriptor(
      long convolution,
      int padHeight,
      int padWidth,
      int strideHeight,
      int strideWidth,
      int dilationHeight,
      int dilationWidth,
      int mode,
      int computeType) {
    call(
        "cudnnSetConvolution2dDescriptor",
        convolution,
        padHeight,
        padWidth,
        strideHeight,
        strideWidth,
        dilationHeight,
        dilationWidth,
        mode,
        computeType);
    ConvolutionDescriptor descriptor = convolution(convolution);
    requireParam(Math.min(padHeight, padWidth) >= 0, "a negative padding");
    requireParam(Math.min(strideHeight, strideWidth) > 0, "a stride below 1");
    requireParam(Math.min(dilationHeight, dilationWidth) > 0, "a dilation below 1");
    requireParam(mode == 0 || mode == CudnnConstants.CUDNN_CROSS_CORRELATION, "the mode");
    requireParam(
        isDataType(computeType) && computeType != CudnnConstants.CUDNN_DATA_BFLOAT16,
        "the type of the sums");
    descriptor.shape =
        new ConvolutionShape(
            padHeight,
            padWidth,
            strideHeight,
            strideWidth,
            dilationHeight,
            dilationWidth,
            mode,
            computeType);
  }

  @Override
  public final void cudnnSetConvolutionMathType(long convolution, int mathType) {
    call("cudnnSetConvolutionMathType", convolution, mathType);
    ConvolutionDescriptor descriptor = convolution(convolution);
    requireParam(mathType >= 0 && mathType <= CudnnConstants.CUDNN_FMA_MATH, "the math type");
    descriptor.mathType = mathType;
  }

  @Override
  public final void cudnnDestroyConvolutionDescriptor(long convolution) {
    end(ConvolutionDescriptor.class, "cudnnDestroyConvolutionDescriptor", convolution);
  }

  @Override
  public final long cudnnCreatePoolingDescriptor() {
    call("cudnnCreatePoolingDescriptor");
    return device().add("pooling", new PoolingDescriptor());
  }

  @Override
  public final void cudnnSetPooling2dDescriptor(
      long pooling,
      int mode,
      int nanPropagation,
      int windowHeight,
      int windowWidth,
      int padHeight,
      int padWidth,
      int strideHeight,
      int strideWidth) {
    call(
        "cudnnSetPooling2dDescriptor",
        pooling,
        mode,
        nanPropagation,
        windowHeight,
        windowWidth,
        padHeight,
        padWidth,
        strideHeight,
        strideWidth);
    PoolingDescriptor descriptor =
        require(PoolingDescriptor.class, pooling, CUDNN_STATUS_BAD_PARAM);
    requireParam(mode >= 0 && mode <= CudnnConstants.CUDNN_POOLING_MAX_DETERMINISTIC, "the mode");
    requireParam(isNanPropagation(nanPropagation), "whether NaN is propagated");
    requireParam(Math.min(windowHeight, windowWidth) > 0, "a window below 1");
    requireParam(Math.min(strideHeight, strideWidth) > 0, "a stride below 1");
    descriptor.shape =
        new PoolingShape(
            mode,
            nanPropagation,
            windowHeight,
            windowWidth,
            padHeight,
            padWidth,
            strideHeight,
            strideWidth);
  }

  @Override
  public final void cudnnDestroyPoolingDescriptor(long pooling) {
    end(PoolingDescriptor.class, "cudnnDestroyPoolingDescriptor", pooling);
  }

  @Override
  public final long cudnnCreateActivationDescriptor() {
    call("cudnnCreateActivationDescriptor");
    return device().add("activation", new ActivationDescriptor());
  }

  @Override
  public final void cudnnSetActivationDescriptor(
      long activation, int mode, int nanPropagation, double coefficient) {
    call("cudnnSetActivationDescriptor", activation, mode, nanPropagation, coefficient);
    ActivationDescriptor descriptor =
        require(ActivationDescriptor.class, activation, CUDNN_STATUS_BAD_PARAM);
    requireParam(mode >= 0 && mode <= 6, "the mode");
    requireParam(isNanPropagation(nanPropagation), "whether NaN is propagated");
    descriptor.mode = mode;
    descriptor.nanPropagation = nanPropagation;
  }

  @Override
  public final void cudnnDestroyActivationDescriptor(long activation) {
    end(ActivationDescriptor.class, "cudnnDestroyActivationDescriptor", activation);
  }

  @Override
  public final int[] cudnnGetConvolution2dForwardOutputDim(
      long convolution, long input, long filter) {
    call("cudnnGetConvolution2dForwardOutputDim", convolution, input, filter);
    return outputOf(shape(convolution(convolution)), tensor(input), filter(filter));
  }

  final int[] outputOf(ConvolutionShape convolution, TensorShape x, TensorShape w) {
    requireParam(x.c() == w.c(), "input and filters have different channels");
    int height = convolution.outputHeight(x.h(), w.h());
    int width = convolution.outputWidth(x.w(), w.w());
    requireParam(Math.min(height, width) > 0, "the filter is larger than the padded input");
    return new int[] {x.n(), w.n(), height, width};
  }

  @Override
  public final int[] cudnnGetPooling2dForwardOutputDim(long pooling, long input) {
    call("cudnnGetPooling2dForwardOutputDim", pooling, input);
    return outputOf(pooling(pooling), tensor(input));
  }

  final int[] outputOf(PoolingShape pooling, TensorShape x) {
    int height = pooling.outputHeight(x.h());
    int width = pooling.outputWidth(x.w());
    requireParam(Math.min(height, width) > 0, "the window is larger than the padded input");
    return new int[] {x.n(), x.c(), height, width};
  }
}
