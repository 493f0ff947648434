package io.github.distillcuda.emulator.library;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CudnnApi;
import io.github.distillcuda.ffi.CudnnConstants;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** cuDNN's handles, and what stands between convolutions. */
abstract class EmulatedCudnnLayers extends EmulatedCudnnDescriptors implements CudnnApi {
  private static final class Handle {
    private long stream;
  }

  EmulatedCudnnLayers(EmulatedDevice device) {
    super(device);
  }

  @Override
  public final long cudnnCreate() {
    return open("cudnn", new Handle());
  }

  @Override
  public final void cudnnDestroy(long handle) {
    end(Handle.class, LibraryStatuses.CUDNN.invalid().code(), handle);
    requireNotRecording("the end of a handle");
    device().synchronize();
  }

  @Override
  public final void cudnnSetStream(long handle, long stream) {
    object(Handle.class, handle).stream = stream;
  }

  /** Returns the stream of a handle. */
  final long stream(long handle) {
    return object(Handle.class, handle).stream;
  }

  final Matrix array(TensorShape shape, long address) {
    return shape.at(address, device().memory());
  }

  final void requireLikeTypes(TensorShape first, TensorShape... others) {
    emulated(ElementType.ofCudnn(first.dataType()).isPresent(), () -> "this type");
    boolean alike = Stream.of(others).allMatch(other -> other.dataType() == first.dataType());
    emulated(alike, () -> "these types");
  }

  /** An extent of the added tensor is the other's, or 1. */
  @Override
  public final void cudnnAddTensor(
      long handle, float alpha, long aDesc, long a, float beta, long cDesc, long c) {
    TensorShape added = tensor(aDesc);
    TensorShape sum = tensor(cDesc);
    for (int i = 0; i < 4; i++) {
      int extent = added.extents()[i];
      requireValid(extent == sum.extents()[i] || extent == 1, "an extent is neither c's nor 1");
    }
    requireLikeTypes(added, sum);
    submit(
        stream(handle),
        () -> {
          float[] values = array(added, a).read();
          double[] repeated = new double[sum.elements()];
          for (int i = 0; i < repeated.length; i++) {
            int n = sum.image(i) % added.n();
            int channel = sum.channel(i) % added.c();
            int h = i / sum.w() % sum.h() % added.h();
            repeated[i] = values[added.row(n, channel, h) + i % sum.w() % added.w()];
          }
          array(sum, c).write(alpha, repeated, beta);
        });
  }

  private Activation relu(long activation) {
    Activation relu = activation(activation);
    requireValid(!relu.isIdentity(), "the identity is for the convolution with a bias alone");
    return relu;
  }

  @Override
  public final void cudnnActivationForward(
      long handle, long function, float alpha, long xDesc, long x, float beta, long yDesc, long y) {
    Activation relu = relu(function);
    TensorShape in = tensor(xDesc);
    TensorShape out = tensor(yDesc);
    requireValid(in.hasExtentsOf(out) && in.dataType() == out.dataType(), "x is not like y");
    requireValid(x != y || in.equals(out), "in place, but x is laid out otherwise than y");
    requireLikeTypes(in);
    submit(
        stream(handle),
        () -> {
          float[] values = array(in, x).read();
          double[] result = new double[values.length];
          Arrays.setAll(result, i -> relu.of(values[i]));
          array(out, y).write(alpha, result, beta);
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
    relu(activation);
    TensorShape out = tensor(yDesc);
    TensorShape outGradient = tensor(dyDesc);
    TensorShape in = tensor(xDesc);
    TensorShape gradient = tensor(dxDesc);
    requireValid(
        out.hasExtentsOf(in) && outGradient.hasExtentsOf(in) && gradient.hasExtentsOf(in),
        "y, dy, x and dx differ");
    requireValid(dx != dy || gradient.equals(outGradient), "in place, but laid out otherwise");
    requireLikeTypes(in, out, gradient, outGradient);
    submit(
        stream(handle),
        () -> {
          float[] outputs = array(out, y).read();
          float[] inputs = array(in, x).read();
          float[] outputGradients = array(outGradient, dy).read();
          double[] result = new double[inputs.length];
          for (int i = 0; i < result.length; i++) {
            if (inputs[i] > 0 != outputs[i] > 0) {
              throw new IllegalStateException(
                  "cudnnActivationBackward: y[%d] = %s is not the ReLU of x = %s"
                      .formatted(i, outputs[i], inputs[i]));
            }
            result[i] = inputs[i] > 0 ? outputGradients[i] : 0;
          }
          array(gradient, dx).write(alpha, result, beta);
        });
  }

  /** Returns a pooling of x to y that is emulated. */
  private Pooling maximum(long pooling, TensorShape x, TensorShape y) {
    Pooling maximum = pooling(pooling);
    emulated(
        maximum.mode() == CudnnConstants.CUDNN_POOLING_MAX_DETERMINISTIC, () -> "this pooling");
    emulated(
        maximum.rows().padsLessThan(maximum.windowHeight())
            && maximum.columns().padsLessThan(maximum.windowWidth()),
        () -> "a padding below 0 or as large as the window");
    requireValid(y.hasExtents(outputOf(maximum, x)), "y has not the extents that x leads to");
    requireLikeTypes(x, y);
    return maximum;
  }

  @Override
  public final void cudnnPoolingForward(
      long handle, long pooling, float alpha, long xDesc, long x, float beta, long yDesc, long y) {
    TensorShape in = tensor(xDesc);
    TensorShape out = tensor(yDesc);
    Pooling maximum = maximum(pooling, in, out);
    submit(
        stream(handle),
        () -> {
          float[] inputs = array(in, x).read();
          IntStream largest = Arrays.stream(maximum.largest(in, inputs, out));
          array(out, y).write(alpha, largest.mapToDouble(i -> inputs[i]).toArray(), beta);
        });
  }

  /** As cuDNN is said to do, a gradient goes to one element of its window alone. */
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
    TensorShape in = tensor(xDesc);
    TensorShape out = tensor(yDesc);
    TensorShape outGradient = tensor(dyDesc);
    TensorShape gradient = tensor(dxDesc);
    Pooling maximum = maximum(pooling, in, out);
    requireValid(
        outGradient.hasExtentsOf(out) && gradient.hasExtentsOf(in), "a gradient's extents");
    requireLikeTypes(in, gradient, outGradient);
    submit(
        stream(handle),
        () -> {
          float[] inputs = array(in, x).read();
          float[] outputs = array(out, y).read();
          float[] outputGradients = array(outGradient, dy).read();
          double[] result = new double[inputs.length];
          int[] largest = maximum.largest(in, inputs, out);
          for (int i = 0; i < outputs.length; i++) {
            float pooled = inputs[largest[i]];
            if (maximum.isLarger(pooled, outputs[i]) || maximum.isLarger(outputs[i], pooled)) {
              throw new IllegalStateException(
                  "cudnnPoolingBackward: y[%d] = %s is not the largest of its window of x"
                      .formatted(i, outputs[i]));
            }
            result[largest[i]] += outputGradients[i];
          }
          array(gradient, dx).write(alpha, result, beta);
        });
  }
}
