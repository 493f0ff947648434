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
  private final LibraryObject relu;
  private final LibraryObject bias;
  private final LibraryObject y;

  /** Plans for the shape of y; the caller closes the plan. */
  public BiasReluPlan(ComputeLane lane, ImageShape shape, ImageFormat format) {
    this.lane = lane;
    lane.cudnn(); // no captured call could create the handle
    cudnn = lane.engine().cudnn();
    descriptors = new Descriptors(lane, cudnn, format);
    relu = descriptors.relu();
    bias = descriptors.tensor(shape.perChannel());
    y = descriptors.tensor(shape);
  }

  /** {@code y = y + bias}. */
  public void addBias(DeviceSpan bs, DeviceSpan ys) {
    cudnn.cudnnAddTensor(
        lane.cudnn(), 1, bias.address(), bs.address(), 1, y.address(), ys.address());
  }

  /** {@code dBias = sum of dy over n, h and w}; cuDNN has it in float32 alone. */
  public void biasGradient(DeviceSpan dy, DeviceSpan db) {
    cudnn.cudnnConvolutionBackwardBias(
        lane.cudnn(), 1, y.address(), dy.address(), 0, bias.address(), db.address());
  }

  /** {@code y = max(y, 0)}. */
  public void relu(DeviceSpan ys) {
    cudnn.cudnnActivationForward(
        lane.cudnn(), relu.address(), 1, y.address(), ys.address(), 0, y.address(), ys.address());
  }

  /** {@code dx = dy where y > 0, else 0}; dx may be dy. */
  public void reluGradient(DeviceSpan ys, DeviceSpan dy, DeviceSpan dx) {
    cudnn.cudnnActivationBackward(
        lane.cudnn(),
        relu.address(),
        1,
        y.address(),
        ys.address(),
        y.address(),
        dy.address(),
        y.address(),
        ys.address(),
        0,
        y.address(),
        dx.address());
  }

  @Override
  public void close() {
    descriptors.close();
  }
}
