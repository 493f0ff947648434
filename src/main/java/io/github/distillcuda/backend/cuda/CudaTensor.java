package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.KernelLaunch;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Float32 or bfloat16 elements on the device, row-major or with the channels last. */
final class CudaTensor implements Tensor {
  private final CudaSession session;
  private final String name;
  private final Shape shape;
  private final DeviceSpan span;
  private final DType type;
  private final ElementOrder order;
  private KernelLaunch afterWrite;

  /** A row-major float32 tensor over memory of the session, of just the elements' size. */
  CudaTensor(CudaSession session, String name, Shape shape, DeviceSpan span) {
    this(session, name, shape, span, DType.FLOAT32, ElementOrder.ROW_MAJOR);
  }

  /** A tensor over memory of the session, of just the elements' size. */
  CudaTensor(
      CudaSession session,
      String name,
      Shape shape,
      DeviceSpan span,
      DType type,
      ElementOrder order) {
    this.session = session;
    this.name = name;
    this.shape = shape;
    this.span = span;
    this.type = type;
    this.order = order;
  }

  /**
   * Launches a kernel after every write from the host, which renews what is derived from these
   * elements.
   */
  void afterWrite(KernelLaunch launch) {
    afterWrite = launch;
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
    return type;
  }

  /** Returns where the elements lie. */
  DeviceSpan span() {
    return span;
  }

  @Override
  public void read(float[] destination) {
    checkTransfer(destination.length);
    session.finish();
    if (type == DType.FLOAT32 && order.isRowMajor()) {
      copyToHost(MemorySegment.ofArray(destination));
    } else {
      float[] values = order.toRowMajor(type == DType.FLOAT32 ? readFloats() : readBfloat16s());
      System.arraycopy(values, 0, destination, 0, values.length);
    }
  }

  private float[] readFloats() {
    float[] values = new float[shape.elements()];
    copyToHost(MemorySegment.ofArray(values));
    return values;
  }

  private float[] readBfloat16s() {
    short[] bits = new short[shape.elements()];
    copyToHost(MemorySegment.ofArray(bits));
    float[] values = new float[bits.length];
    for (int i = 0; i < bits.length; i++) {
      values[i] = Bfloat16.toFloat(bits[i]);
    }
    return values;
  }

  private void copyToHost(MemorySegment destination) {
    session.staging().copyToHost(span.buffer(), span.offset(), destination);
  }

  /**
   * {@inheritDoc}
   *
   * @throws UnsupportedOperationException if they are bfloat16, which only a step computes
   */
  @Override
  public void write(float[] source) {
    checkTransfer(source.length);
    if (type != DType.FLOAT32) {
      throw new UnsupportedOperationException(name + " is computed, not written");
    }
    session.finish();
    MemorySegment values = MemorySegment.ofArray(order.fromRowMajor(source));
    session.staging().copyToDevice(values, span.buffer(), span.offset());
    if (afterWrite != null) {
      afterWrite.launch(session.stream());
    }
  }

  private void checkTransfer(int length) {
    session.check();
    Tensor.requireLength(this, length);
  }

  @Override
  public String toString() {
    return name + shape;
  }
}
