package io.github.distillcuda.cuda.dnn;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.LibraryObject;
import io.github.distillcuda.ffi.CudnnApi;

/**
 * A 2x2 max-pool of stride 2 on one lane, whose backward pass always gives the same bits: x of [N,
 * C, H, W], y of [N, C, H/2, W/2], in one format. All calls are asynchronous and allocate nothing.
 */
public final class PoolingPlan implements AutoCloseable {
  private final ComputeLane lane;
  private final CudnnApi cudnn;
  private final Descriptors descriptors;
  private final LibraryObject poolingDescriptor;
  private final LibraryObject xDescriptor;
  private final LibraryObject yDescriptor;

  /** Plans for the shape of x; the caller closes the plan. */
  public PoolingPlan(ComputeLane lane, ImageShape input, ImageFormat format) {
    this.lane = lane;
    lane.cudnn(); // no captured call could create the handle
    cudnn = lane.engine().cudnn();
    descriptors = new Descriptors(lane, cudnn, format);
    poolingDescriptor = descriptors.maxPooling();
    xDescriptor = descriptors.tensor(input);
    yDescriptor = descriptors.tensor(input.halved());
    Descriptors.requireOutput(
        "max-pool",
        input.halved(),
        cudnn.cudnnGetPooling2dForwardOutputDim(
            poolingDescriptor.address(), xDescriptor.address()));
  }

  /** {@code y = pool(x)}. */
  public void forward(DeviceSpan x, DeviceSpan y) {
    cudnn.cudnnPoolingForward(
        lane.cudnn(),
        poolingDescriptor.address(),
        1,
        xDescriptor.address(),
        x.address(),
        0,
        yDescriptor.address(),
        y.address());
  }

  /** {@code dx = gradient of x}, 0 where x was not its window's largest. */
  public void backward(DeviceSpan y, DeviceSpan dy, DeviceSpan x, DeviceSpan dx) {
    cudnn.cudnnPoolingBackward(
        lane.cudnn(),
        poolingDescriptor.address(),
        1,
        yDescriptor.address(),
        y.address(),
        yDescriptor.address(),
        dy.address(),
        xDescriptor.address(),
        x.address(),
        0,
        xDescriptor.address(),
        dx.address());
  }

  @Override
  public void close() {
    descriptors.close();
  }
}
