package io.github.distillcuda.cuda.dnn;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.LibraryObject;
import io.github.distillcuda.ffi.CudnnApi;

/**
 * Bias and ReLU as operations of cuDNN on one lane, each on its own: y of [N, C, H, W] in a format,
 * bias [C] of its type. All calls are asynchronous and allocate nothing.
 */
public final class BiasReluPlan implements AutoCloseable {
  private final ComputeLane lane;
  private final CudnnApi cudnn;
  private final Descriptors descriptors;
  private final LibraryObject reluDescriptor;
  private final LibraryObject biasDescriptor;
  private final LibraryObject yDescriptor;

  /** Plans for the shape of y; the caller closes the plan. */
  public BiasReluPlan(ComputeLane lane, ImageShape shape, ImageFormat format) {
    this.lane = lane;
    lane.cudnn(); // no captured call could create the handle
    cudnn = lane.engine().cudnn();
    descriptors = new Descriptors(lane, cudnn, format);
    reluDescriptor = descriptors.relu();
    biasDescriptor = descriptors.tensor(shape.perChannel());
    yDescriptor = descriptors.tensor(shape);
  }

  /** {@code y = y + bias}. */
  public void addBias(DeviceSpan bias, DeviceSpan y) {
    cudnn.cudnnAddTensor(
        lane.cudnn(),
        1,
        biasDescriptor.address(),
        bias.address(),
        1,
        yDescriptor.address(),
        y.address());
  }

  /** {@code dBias = sum of dy over n, h and w}; cuDNN has it in float32 alone. */
  public void biasGradient(DeviceSpan dy, DeviceSpan db) {
    cudnn.cudnnConvolutionBackwardBias(
        lane.cudnn(),
        1,
        yDescriptor.address(),
        dy.address(),
        0,
        biasDescriptor.address(),
        db.address());
  }

  /** {@code y = max(y, 0)}. */
  public void relu(DeviceSpan y) {
    cudnn.cudnnActivationForward(
        lane.cudnn(),
        reluDescriptor.address(),
        1,
        yDescriptor.address(),
        y.address(),
        0,
        yDescriptor.address(),
        y.address());
  }

  /** {@code dx = dy where y > 0, else 0}; dx may be dy. */
  public void reluGradient(DeviceSpan y, DeviceSpan dy, DeviceSpan dx) {
    cudnn.cudnnActivationBackward(
        lane.cudnn(),
        reluDescriptor.address(),
        1,
        yDescriptor.address(),
        y.address(),
        yDescriptor.address(),
        dy.address(),
        yDescriptor.address(),
        y.address(),
        0,
        yDescriptor.address(),
        dx.address());
  }

  @Override
  public void close() {
    descriptors.close();
  }
}
