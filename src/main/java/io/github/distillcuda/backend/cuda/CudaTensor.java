package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Float32 elements in row-major order on the device. */
final class CudaTensor implements Tensor {
  private final CudaSession session;
  private final String name;
  private final Shape shape;
  private final DeviceSpan span;

  /** A tensor over memory of the session, of just the elements' size. */
  CudaTensor(CudaSession session, String name, Shape shape, DeviceSpan span) {
    this.session = session;
    this.name = name;
    this.shape = shape;
    this.span = span;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Shape shape() {
    return shape;
  }

  @Override
  public DType dtype() {
    return DType.FLOAT32;
  }

  /** Returns where the elements lie. */
  DeviceSpan span() {
    return span;
  }

  @Override
  public void read(float[] destination) {
    checkTransfer(destination.length);
    session.finish();
    session.staging().copyToHost(span.buffer(), span.offset(), MemorySegment.ofArray(destination));
  }

  @Override
  public void write(float[] source) {
    checkTransfer(source.length);
    session.finish();
    session.staging().copyToDevice(MemorySegment.ofArray(source), span.buffer(), span.offset());
  }

  @Override
  public void read(double[] destination) {
    float[] rounded = new float[destination.length];
    read(rounded);
    for (int i = 0; i < rounded.length; i++) {
      destination[i] = rounded[i];
    }
  }

  @Override
  public void write(double[] source) {
    float[] rounded = new float[source.length];
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = (float) source[i];
    }
    write(rounded);
  }

  private void checkTransfer(int length) {
    session.check();
    if (length != shape.elements()) {
      throw new IllegalArgumentException(
          "%s %s has %d elements, the array %d".formatted(name, shape, shape.elements(), length));
    }
  }

  @Override
  public String toString() {
    return name + shape;
  }
}
