package io.github.distillcuda.emulator.library;

import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_STATUS_BAD_PARAM;

import io.github.distillcuda.emulator.device.DeviceWork;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CudnnApi;
import io.github.distillcuda.ffi.CudnnConstants;

/** cuDNN's handles, and what stands between convolutions. */
abstract class EmulatedCudnnLayers extends EmulatedCudnnDescriptors implements CudnnApi {
  static final class Handle {
    private long stream;
  }

  private final DeviceArrays arrays;

  EmulatedCudnnLayers(EmulatedDevice device) {
    super(device);
    arrays = new DeviceArrays(device.memory());
  }

  final DeviceArrays arrays() {
    return arrays;
  }

  final Handle handle(long handle) {
    return require(Handle.class, handle, CUDNN_STATUS_BAD_PARAM);
  }

  /** Does work in the handle's stream. */
  final void submit(long handle, Runnable body) {
    device().submit(handle(handle).stream, DeviceWork.ofLibrary(lastFunction(), body));
  }

  final void requireLikeTypes(TensorShape first, TensorShape second) {
    emulated(first.hasEmulatedType() && first.dataType() == second.dataType(), () -> "these types");
  }

  @Override
  public final long cudnnCreate() {
    call("cudnnCreate");
    require(
        device().hasContext(), CudnnConstants.CUDNN_STATUS_NOT_INITIALIZED, "no current context");
    emulated(!device().isCapturing(), () -> "a new handle while this thread records");
    return device().add("cudnn", new Handle());
  }

  @Override
  public final void cudnnDestroy(long handle) {
    callToEnd(Handle.class, CUDNN_STATUS_BAD_PARAM, "cudnnDestroy", handle);
    emulated(!device().isCapturing(), () -> "the end of a handle while this thread records");
    device().synchronize();
  }

  @Override
  public final void cudnnSetStream(long handle, long stream) {
    call("cudnnSetStream", handle, stream);
    handle(handle).stream = stream;
  }

  /** An extent of the added tensor is the other's, or 1. */
  @Override
  public final void cudnnAddTensor(
      long handle, float alpha, long aDesc, long a, float beta, long cDesc, long c) {
    call("cudnnAddTensor", handle, alpha, aDesc, a, beta, cDesc, c);
    TensorShape added = tensor(aDesc);
    TensorShape sum = tensor(cDesc);
    requireParam(
        repeats(added.n(), sum.n())
            && repeats(added.c(), sum.c())
            && repeats(added.h(), sum.h())
            && repeats(added.w(), sum.w()),
        "an extent of a is neither c's nor 1");
    requireLikeTypes(added, sum);
    submit(
        handle,
        () -> {
          float[] values = added.read(arrays, a);
          double[] repeated = new double[sum.elements()];
          for (int i = 0; i < repeated.length; i++) {
            int w = i % sum.w() % added.w();
            int h = i / sum.w() % sum.h() % added.h();
            int channel = i / (sum.w() * sum.h()) % sum.c() % added.c();
            int n = i / (sum.w() * sum.h() * sum.c()) % added.n();
            repeated[i] = values[((n * added.c() + channel) * added.h() + h) * added.w() + w];
          }
          sum.write(arrays, c, alpha, repeated, beta);
        });
  }

  private static boolean repeats(int extent, int of) {
    return extent == of || extent == 1;
  }

  static float relu(float value, ActivationDescriptor activation) {
    return Float.isNaN(value) && activation.propagatesNan() ? value : value > 0 ? value : 0;
  }

  private ActivationDescriptor relu(long activation) {
    ActivationDescriptor descriptor = activation(activation);
    requireParam(
        descriptor.mode() != CudnnConstants.CUDNN_ACTIVATION_IDENTITY,
        "the identity is for cudnnConvolutionBiasActivationForward alone");
    emulated(descriptor.mode() == CudnnConstants.CUDNN_ACTIVATION_RELU, () -> "this activation");
    return descriptor;
  }

  @Override
  public final void cudnnActivationForward(
      long handle,
      long activation,
      float alpha,
      long xDesc,
      long x,
      float beta,
      long yDesc,
      long y) {
    call("cudnnActivationForward", handle, activation, alpha, xDesc, x, beta, yDesc, y);
    ActivationDescriptor function = relu(activation);
    TensorShape in = tensor(xDesc);
    TensorShape out = tensor(yDesc);
    requireParam(in.hasExtentsOf(out) && in.dataType() == out.dataType(), "x is not like y");
    requireParam(x != y || in.equals(out), "in place, but x is laid out otherwise than y");
    requireLikeTypes(in, out);
    submit(
        handle,
        () -> {
          float[] values = in.read(arrays, x);
          double[] result = new double[values.length];
          for (int i = 0; i < result.length; i++) {
            result[i] = relu(values[i], function);
          }
          out.write(arrays, y, alpha, result, beta);
        });
  }

  /** The header does not say whether x or y decides, so both must be there. */
  @Override
  public final void cudnnActivationBackward(
      long handle,
      long activation,
      float alpha,
      long yDesc,
      long y,
      long dyDesc,
      long dy,
      long xDesc,
      long x,
      float beta,
      long dxDesc,
      long dx) {
    call(
        "cudnnActivationBackward",
        handle,
        activation,
        alpha,
        yDesc,
        y,
        dyDesc,
        dy,
        xDesc,
        x,
        beta,
        dxDesc,
        dx);
    relu(activation);
    TensorShape out = tensor(yDesc);
    TensorShape outGradient = tensor(dyDesc);
    TensorShape in = tensor(xDesc);
    TensorShape gradient = tensor(dxDesc);
    requireParam(
        out.hasExtentsOf(in) && outGradient.hasExtentsOf(in) && gradient.hasExtentsOf(in),
        "y, dy, x and dx differ");
    requireParam(dx != dy || gradient.equals(outGradient), "in place, but laid out otherwise");
    requireLikeTypes(in, gradient);
    requireLikeTypes(in, outGradient);
    submit(
        handle,
        () -> {
          float[] outputs = out.read(arrays, y);
          float[] inputs = in.read(arrays, x);
          float[] outputGradients = outGradient.read(arrays, dy);
          double[] result = new double[inputs.length];
          for (int i = 0; i < result.length; i++) {
            if (inputs[i] > 0 != outputs[i] > 0) {
              throw new IllegalStateException(
                  "cudnnActivationBackward: y[%d] = %s is not the ReLU of x = %s"
                      .formatted(i, outputs[i], inputs[i]));
            }
            result[i] = inputs[i] > 0 ? outputGradients[i] : 0;
          }
          gradient.write(arrays, dx, alpha, result, beta);
        });
  }

  private PoolingShape maximum(long pooling) {
    PoolingShape shape = pooling(pooling);
    emulated(
        shape.mode() == CudnnConstants.CUDNN_POOLING_MAX
            || shape.mode() == CudnnConstants.CUDNN_POOLING_MAX_DETERMINISTIC,
        () -> "this pooling");
    emulated(
        Math.min(shape.padHeight(), shape.padWidth()) >= 0
            && shape.padHeight() < shape.windowHeight()
            && shape.padWidth() < shape.windowWidth(),
        () -> "a padding below 0 or as large as the window");
    return shape;
  }

  private void requirePooled(PoolingShape shape, TensorShape in, TensorShape out) {
    int[] extents = outputOf(shape, in);
    requireParam(
        out.hasExtents(extents[0], extents[1], extents[2], extents[3]),
        "the output's extents do not follow from input and pooling");
    requireLikeTypes(in, out);
  }

  @Override
  public final void cudnnPoolingForward(
      long handle, long pooling, float alpha, long xDesc, long x, float beta, long yDesc, long y) {
    call("cudnnPoolingForward", handle, pooling, alpha, xDesc, x, beta, yDesc, y);
    PoolingShape shape = maximum(pooling);
    TensorShape in = tensor(xDesc);
    TensorShape out = tensor(yDesc);
    requirePooled(shape, in, out);
    submit(
        handle,
        () ->
            out.write(
                arrays, y, alpha, new PoolingLoops(shape, in).forward(in.read(arrays, x)), beta));
  }

  @Override
  public final void cudnnPoolingBackward(
      long handle,
      long pooling,
      float alpha,
      long yDesc,
      long y,
      long dyDesc,
      long dy,
      long xDesc,
      long x,
      float beta,
      long dxDesc,
      long dx) {
    call(
        "cudnnPoolingBackward",
        handle,
        pooling,
        alpha,
        yDesc,
        y,
        dyDesc,
        dy,
        xDesc,
        x,
        beta,
        dxDesc,
        dx);
    PoolingShape shape = maximum(pooling);
    TensorShape in = tensor(xDesc);
    TensorShape out = tensor(yDesc);
    TensorShape outGradient = tensor(dyDesc);
    TensorShape gradient = tensor(dxDesc);
    requirePooled(shape, in, out);
    requireParam(
        outGradient.hasExtentsOf(out) && gradient.hasExtentsOf(in), "a gradient's extents");
    requireLikeTypes(in, gradient);
    requireLikeTypes(out, outGradient);
    submit(
        handle,
        () ->
            gradient.write(
                arrays,
                dx,
                alpha,
                new PoolingLoops(shape, in)
                    .backward(
                        in.read(arrays, x), out.read(arrays, y), outGradient.read(arrays, dy)),
                beta));
  }
}
