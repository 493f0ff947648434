package io.github.distillcuda.emulator.library;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CudnnConstants;
import io.github.distillcuda.ffi.CudnnDescriptorApi;

/** cuDNN's descriptors; what they take and refuse was asked of cuDNN 9.24, which needs no GPU. */
abstract class EmulatedCudnnDescriptors extends EmulatedLibrary implements CudnnDescriptorApi {
  /** A descriptor of something, which is null until it is set. */
  private static class Descriptor<T> {
    private T described;

    final T get() {
      return described;
    }

    final void set(T value) {
      described = value;
    }
  }

  private static final class TensorDescriptor extends Descriptor<TensorShape> {}

  private static final class FilterDescriptor extends Descriptor<TensorShape> {}

  private static final class ConvolutionDescriptor extends Descriptor<ConvolutionShape> {
    private int mathType = CudnnConstants.CUDNN_DEFAULT_MATH;
  }

  private static final class PoolingDescriptor extends Descriptor<PoolingShape> {}

  private static final class ActivationDescriptor extends Descriptor<Activation> {}

  /**
   * What a descriptor says of an activation; the coefficient is for kinds that are not emulated.
   */
  record Activation(int mode, boolean propagatesNan) {
    float relu(float value) {
      return Float.isNaN(value) && propagatesNan ? value : value > 0 ? value : 0;
    }
  }

  EmulatedCudnnDescriptors(EmulatedDevice device) {
    super(device, LibraryStatuses.CUDNN);
  }

  private <T> T described(Class<? extends Descriptor<T>> type, long descriptor) {
    T described = object(type, descriptor).get();
    requireValid(described != null, "the " + type.getSimpleName() + " was never set");
    return described;
  }

  final TensorShape tensor(long tensor) {
    return described(TensorDescriptor.class, tensor);
  }

  final TensorShape filter(long filter) {
    return described(FilterDescriptor.class, filter);
  }

  final ConvolutionShape convolution(long convolution) {
    return described(ConvolutionDescriptor.class, convolution);
  }

  final int mathType(long convolution) {
    return object(ConvolutionDescriptor.class, convolution).mathType;
  }

  final PoolingShape pooling(long pooling) {
    return described(PoolingDescriptor.class, pooling);
  }

  final Activation activation(long activation) {
    return described(ActivationDescriptor.class, activation);
  }

  private TensorShape packed(int format, int dataType, int n, int c, int h, int w) {
    requireValid(
        format == CudnnConstants.CUDNN_TENSOR_NCHW || format == CudnnConstants.CUDNN_TENSOR_NHWC,
        "the format");
    requireValid(isDataType(dataType), "the type");
    requireValid(Math.min(Math.min(n, c), Math.min(h, w)) > 0, "an extent below 1");
    return new TensorShape(format, dataType, n, c, h, w);
  }

  /** The types are 0 to 15 without gaps that matter here. */
  private static boolean isDataType(int type) {
    return type >= 0 && type <= 15;
  }

  private void requireNanPropagation(int value) {
    requireValid(
        value == 0 || value == CudnnConstants.CUDNN_PROPAGATE_NAN, "whether NaN is propagated");
  }

  @Override
  public final long cudnnCreateTensorDescriptor() {
    return device().add("tensor", new TensorDescriptor());
  }

  @Override
  public final void cudnnSetTensor4dDescriptor(
      long tensor, int format, int dataType, int n, int c, int h, int w) {
    TensorDescriptor descriptor = object(TensorDescriptor.class, tensor);
    TensorShape shape = packed(format, dataType, n, c, h, w);
    requireSupported((double) n * c * h * w <= Integer.MAX_VALUE, "2^31 elements or more");
    descriptor.set(shape);
  }

  @Override
  public final void cudnnDestroyTensorDescriptor(long tensor) {
    end(TensorDescriptor.class, tensor);
  }

  @Override
  public final long cudnnCreateFilterDescriptor() {
    return device().add("filter", new FilterDescriptor());
  }

  @Override
  public final void cudnnSetFilter4dDescriptor(
      long filter, int dataType, int format, int k, int c, int h, int w) {
    object(FilterDescriptor.class, filter).set(packed(format, dataType, k, c, h, w));
  }

  @Override
  public final void cudnnDestroyFilterDescriptor(long filter) {
    end(FilterDescriptor.class, filter);
  }

  @Override
  public final long cudnnCreateConvolutionDescriptor() {
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
    ConvolutionDescriptor descriptor = object(ConvolutionDescriptor.class, convolution);
    requireValid(Math.min(padHeight, padWidth) >= 0, "a negative padding");
    requireValid(Math.min(strideHeight, strideWidth) > 0, "a stride below 1");
    requireValid(Math.min(dilationHeight, dilationWidth) > 0, "a dilation below 1");
    requireValid(mode == 0 || mode == CudnnConstants.CUDNN_CROSS_CORRELATION, "the mode");
    requireValid(
        isDataType(computeType) && computeType != CudnnConstants.CUDNN_DATA_BFLOAT16,
        "the type of the sums");
    descriptor.set(
        new ConvolutionShape(
            new WindowAxis(padHeight, strideHeight, dilationHeight),
            new WindowAxis(padWidth, strideWidth, dilationWidth),
            mode,
            computeType));
  }

  @Override
  public final void cudnnSetConvolutionMathType(long convolution, int mathType) {
    ConvolutionDescriptor descriptor = object(ConvolutionDescriptor.class, convolution);
    requireValid(mathType >= 0 && mathType <= CudnnConstants.CUDNN_FMA_MATH, "the math type");
    descriptor.mathType = mathType;
  }

  @Override
  public final void cudnnDestroyConvolutionDescriptor(long convolution) {
    end(ConvolutionDescriptor.class, convolution);
  }

  @Override
  public final long cudnnCreatePoolingDescriptor() {
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
    PoolingDescriptor descriptor = object(PoolingDescriptor.class, pooling);
    requireValid(mode >= 0 && mode <= CudnnConstants.CUDNN_POOLING_MAX_DETERMINISTIC, "the mode");
    requireNanPropagation(nanPropagation);
    requireValid(Math.min(windowHeight, windowWidth) > 0, "a window below 1");
    requireValid(Math.min(strideHeight, strideWidth) > 0, "a stride below 1");
    descriptor.set(
        new PoolingShape(
            mode,
            nanPropagation,
            windowHeight,
            windowWidth,
            new WindowAxis(padHeight, strideHeight, 1),
            new WindowAxis(padWidth, strideWidth, 1)));
  }

  @Override
  public final void cudnnDestroyPoolingDescriptor(long pooling) {
    end(PoolingDescriptor.class, pooling);
  }

  @Override
  public final long cudnnCreateActivationDescriptor() {
    return device().add("activation", new ActivationDescriptor());
  }

  @Override
  public final void cudnnSetActivationDescriptor(
      long activation, int mode, int nanPropagation, double coefficient) {
    ActivationDescriptor descriptor = object(ActivationDescriptor.class, activation);
    requireValid(mode >= 0 && mode <= 6, "the mode");
    requireNanPropagation(nanPropagation);
    descriptor.set(new Activation(mode, nanPropagation == CudnnConstants.CUDNN_PROPAGATE_NAN));
  }

  @Override
  public final void cudnnDestroyActivationDescriptor(long activation) {
    end(ActivationDescriptor.class, activation);
  }

  @Override
  public final int[] cudnnGetConvolution2dForwardOutputDim(
      long convolution, long input, long filter) {
    return outputOf(convolution(convolution), tensor(input), filter(filter));
  }

  final int[] outputOf(ConvolutionShape convolution, TensorShape x, TensorShape w) {
    requireValid(x.c() == w.c(), "input and filters have different channels");
    int height = convolution.rows().places(x.h(), w.h());
    int width = convolution.columns().places(x.w(), w.w());
    requireValid(Math.min(height, width) > 0, "the filter is larger than the padded input");
    return new int[] {x.n(), w.n(), height, width};
  }

  @Override
  public final int[] cudnnGetPooling2dForwardOutputDim(long pooling, long input) {
    return outputOf(pooling(pooling), tensor(input));
  }

  final int[] outputOf(PoolingShape pooling, TensorShape x) {
    int height = pooling.rows().places(x.h(), pooling.windowHeight());
    int width = pooling.columns().places(x.w(), pooling.windowWidth());
    requireValid(Math.min(height, width) > 0, "the window is larger than the padded input");
    return new int[] {x.n(), x.c(), height, width};
  }
}
