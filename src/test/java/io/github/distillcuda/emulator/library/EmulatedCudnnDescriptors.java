package io.github.distillcuda.emulator.library;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.ConvolutionProblem.Convolution;
import io.github.distillcuda.ffi.CudnnConstants;
import io.github.distillcuda.ffi.CudnnDescriptorApi;

/** cuDNN's descriptors; what they take and refuse was asked of cuDNN 9.24, which needs no GPU. */
abstract class EmulatedCudnnDescriptors extends EmulatedLibrary implements CudnnDescriptorApi {
  // Enumerations without gaps that matter here.
  private static final int LAST_DATA_TYPE = 15;
  private static final int LAST_ACTIVATION = 6;

  /** A descriptor of something, which is null until it is set. */
  private static class Descriptor<T> {
    T described;
  }

  private static final class TensorDescriptor extends Descriptor<TensorShape> {}

  private static final class FilterDescriptor extends Descriptor<TensorShape> {}

  private static final class ConvolutionDescriptor extends Descriptor<Convolution> {
    private int mathType = CudnnConstants.CUDNN_DEFAULT_MATH;
  }

  private static final class PoolingDescriptor extends Descriptor<Pooling> {}

  private static final class ActivationDescriptor extends Descriptor<Activation> {}

  /** An activation mode that the program does not use: the value itself. */
  static final int IDENTITY = 5;

  /** An activation; the coefficient is for kinds that are not emulated. */
  record Activation(int mode, boolean propagatesNan) {
    boolean isIdentity() {
      return mode == IDENTITY;
    }

    double of(double value) {
      boolean passes = isIdentity() || value > 0 || Double.isNaN(value) && propagatesNan;
      return passes ? value : 0;
    }
  }

  EmulatedCudnnDescriptors(EmulatedDevice device) {
    super(device, LibraryStatuses.CUDNN);
  }

  private <T> T described(Class<? extends Descriptor<T>> type, long descriptor) {
    T described = object(type, descriptor).described;
    requireValid(described != null, "the " + type.getSimpleName() + " was never set");
    return described;
  }

  final TensorShape tensor(long tensor) {
    return described(TensorDescriptor.class, tensor);
  }

  final TensorShape filter(long filter) {
    return described(FilterDescriptor.class, filter);
  }

  final Convolution convolution(long convolution) {
    return described(ConvolutionDescriptor.class, convolution);
  }

  final int mathType(long convolution) {
    return object(ConvolutionDescriptor.class, convolution).mathType;
  }

  final Pooling pooling(long pooling) {
    return described(PoolingDescriptor.class, pooling);
  }

  /** Returns the identity or a ReLU. */
  final Activation activation(long activation) {
    Activation described = described(ActivationDescriptor.class, activation);
    boolean isRelu = described.mode() == CudnnConstants.CUDNN_ACTIVATION_RELU;
    emulated(isRelu || described.isIdentity(), () -> "this activation");
    return described;
  }

  private TensorShape packed(int format, int dataType, int n, int c, int h, int w) {
    requireOneOf(format, CudnnConstants.CUDNN_TENSOR_NHWC, "the format");
    requireOneOf(dataType, LAST_DATA_TYPE, "the type");
    requirePositive(Math.min(Math.min(n, c), Math.min(h, w)), "an extent");
    return new TensorShape(format, dataType, n, c, h, w);
  }

  /** Refuses what is not one of an enumeration's numbers, which run from 0 to the last. */
  private void requireOneOf(int value, int last, String what) {
    requireValid(value >= 0 && value <= last, what + " is unknown");
  }

  private void requirePositive(int value, String what) {
    requireValid(value > 0, what + " is below 1");
  }

  private boolean propagates(int nanPropagation) {
    requireOneOf(nanPropagation, CudnnConstants.CUDNN_PROPAGATE_NAN, "whether NaN is propagated");
    return nanPropagation == CudnnConstants.CUDNN_PROPAGATE_NAN;
  }

  @Override
  public final long cudnnCreateTensorDescriptor() {
    return device().add("tensor", new TensorDescriptor());
  }

  @Override
  public final void cudnnSetTensor4dDescriptor(
      long tensor, int format, int dataType, int n, int c, int h, int w) {
    TensorShape shape = packed(format, dataType, n, c, h, w);
    requireSupported((double) n * c * h * w <= Integer.MAX_VALUE, "2^31 elements or more");
    object(TensorDescriptor.class, tensor).described = shape;
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
    object(FilterDescriptor.class, filter).described = packed(format, dataType, k, c, h, w);
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
    requireValid(Math.min(padHeight, padWidth) >= 0, "a negative padding");
    requirePositive(Math.min(strideHeight, strideWidth), "a stride");
    requirePositive(Math.min(dilationHeight, dilationWidth), "a dilation");
    requireOneOf(mode, CudnnConstants.CUDNN_CROSS_CORRELATION, "the mode");
    requireOneOf(computeType, LAST_DATA_TYPE, "the type of the sums");
    requireValid(computeType != CudnnConstants.CUDNN_DATA_BFLOAT16, "the type of the sums");
    WindowAxis rows = new WindowAxis(padHeight, strideHeight, dilationHeight);
    WindowAxis columns = new WindowAxis(padWidth, strideWidth, dilationWidth);
    Convolution described = new Convolution(rows, columns, mode, computeType);
    object(ConvolutionDescriptor.class, convolution).described = described;
  }

  @Override
  public final void cudnnSetConvolutionMathType(long convolution, int mathType) {
    requireOneOf(mathType, CudnnConstants.CUDNN_FMA_MATH, "the math type");
    object(ConvolutionDescriptor.class, convolution).mathType = mathType;
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
    requireOneOf(mode, CudnnConstants.CUDNN_POOLING_MAX_DETERMINISTIC, "the mode");
    boolean propagates = propagates(nanPropagation);
    requirePositive(Math.min(windowHeight, windowWidth), "a window");
    requirePositive(Math.min(strideHeight, strideWidth), "a stride");
    WindowAxis rows = new WindowAxis(padHeight, strideHeight, 1);
    WindowAxis columns = new WindowAxis(padWidth, strideWidth, 1);
    object(PoolingDescriptor.class, pooling).described =
        new Pooling(mode, propagates, windowHeight, windowWidth, rows, columns);
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
    requireOneOf(mode, LAST_ACTIVATION, "the mode");
    Activation described = new Activation(mode, propagates(nanPropagation));
    object(ActivationDescriptor.class, activation).described = described;
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

  final int[] outputOf(Convolution convolution, TensorShape x, TensorShape w) {
    requireValid(x.c() == w.c(), "input and filters have different channels");
    int rows = convolution.rows().places(x.h(), w.h());
    return output(x.n(), w.n(), rows, convolution.columns().places(x.w(), w.w()));
  }

  @Override
  public final int[] cudnnGetPooling2dForwardOutputDim(long pooling, long input) {
    return outputOf(pooling(pooling), tensor(input));
  }

  final int[] outputOf(Pooling pooling, TensorShape x) {
    int rows = pooling.rows().places(x.h(), pooling.windowHeight());
    return output(x.n(), x.c(), rows, pooling.columns().places(x.w(), pooling.windowWidth()));
  }

  private int[] output(int... extents) {
    requireValid(Math.min(extents[2], extents[3]) > 0, "a window beyond the padded input");
    return extents;
  }
}
