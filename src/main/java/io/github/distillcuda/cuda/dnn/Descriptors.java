package io.github.distillcuda.cuda.dnn;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.CudaContext;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.LibraryObject;
import io.github.distillcuda.ffi.CudnnApi;
import io.github.distillcuda.ffi.CudnnConstants;
import java.util.function.LongConsumer;

/** Creates the descriptors of a plan and closes them with it. */
final class Descriptors implements AutoCloseable {
  private static final int KERNEL = 3;

  private final DeviceScope scope = new DeviceScope();
  private final CudaContext context;
  private final CudnnApi cudnn;
  private final ImageFormat format;

  /** Begins with none. If the constructor of the plan fails, the lane closes what was made. */
  Descriptors(ComputeLane lane, CudnnApi cudnn, ImageFormat format) {
    context = lane.context();
    lane.closeAtTheLatest(scope);
    this.cudnn = cudnn;
    this.format = format;
  }

  private LibraryObject own(String name, long address, LongConsumer destroy) {
    return scope.own(new LibraryObject(context, name, address, destroy));
  }

  LibraryObject tensor(ImageShape shape) {
    LibraryObject tensor =
        own(
            "tensor " + shape,
            cudnn.cudnnCreateTensorDescriptor(),
            cudnn::cudnnDestroyTensorDescriptor);
    cudnn.cudnnSetTensor4dDescriptor(
        tensor.address(),
        format.order(),
        format.dataType(),
        shape.batch(),
        shape.channels(),
        shape.height(),
        shape.width());
    return tensor;
  }

  /** The filters of a 3x3 convolution, outChannels of inChannels. */
  LibraryObject filter(int outChannels, int inChannels) {
    LibraryObject filter =
        own(
            "filter %d x %d".formatted(outChannels, inChannels),
            cudnn.cudnnCreateFilterDescriptor(),
            cudnn::cudnnDestroyFilterDescriptor);
    cudnn.cudnnSetFilter4dDescriptor(
        filter.address(),
        format.dataType(),
        format.order(),
        outChannels,
        inChannels,
        KERNEL,
        KERNEL);
    return filter;
  }

  /**
   * A convolution of stride 1 whose output is as large as its input, with sums in float32; its math
   * type is its algorithm's.
   */
  LibraryObject convolution() {
    LibraryObject convolution =
        own(
            "convolution",
            cudnn.cudnnCreateConvolutionDescriptor(),
            cudnn::cudnnDestroyConvolutionDescriptor);
    int pad = KERNEL / 2;
    cudnn.cudnnSetConvolution2dDescriptor(
        convolution.address(),
        pad,
        pad,
        1,
        1,
        1,
        1,
        CudnnConstants.CUDNN_CROSS_CORRELATION,
        CudnnConstants.CUDNN_DATA_FLOAT);
    return convolution;
  }

  /** The largest of each 2x2 window. */
  LibraryObject maxPooling() {
    LibraryObject pooling =
        own("max-pool", cudnn.cudnnCreatePoolingDescriptor(), cudnn::cudnnDestroyPoolingDescriptor);
    cudnn.cudnnSetPooling2dDescriptor(
        pooling.address(),
        CudnnConstants.CUDNN_POOLING_MAX_DETERMINISTIC,
        CudnnConstants.CUDNN_PROPAGATE_NAN,
        2,
        2,
        0,
        0,
        2,
        2);
    return pooling;
  }

  LibraryObject relu() {
    LibraryObject relu =
        own(
            "ReLU",
            cudnn.cudnnCreateActivationDescriptor(),
            cudnn::cudnnDestroyActivationDescriptor);
    cudnn.cudnnSetActivationDescriptor(
        relu.address(),
        CudnnConstants.CUDNN_ACTIVATION_RELU,
        CudnnConstants.CUDNN_PROPAGATE_NAN,
        0);
    return relu;
  }

  /**
   * Requires that cuDNN takes an operation for the one that was planned.
   *
   * @param output [n, c, h, w] as cuDNN computes it
   * @throws IllegalStateException if that is not the shape that was planned
   */
  static void requireOutput(String operation, ImageShape planned, int[] output) {
    ImageShape computed = new ImageShape(output[0], output[1], output[2], output[3]);
    if (!computed.equals(planned)) {
      throw new IllegalStateException(
          "cuDNN's output of a %s is %s, planned is %s".formatted(operation, computed, planned));
    }
  }

  @Override
  public void close() {
    scope.close();
  }
}
