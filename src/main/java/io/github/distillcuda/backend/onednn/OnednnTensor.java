package io.github.distillcuda.backend.onednn;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.distillcuda.ffi.OnednnApi;
import io.github.distillcuda.ffi.OnednnApi.Kind;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Elements in the type and order of a memory descriptor, which may be blocked and padded; transfers
 * convert them.
 */
final class OnednnTensor implements Tensor {
  private final OnednnContext context;
  private final String name;
  private final Shape shape;
  private final long descriptor;
  private final long plainDescriptor;
  private final MemorySegment data;
  private final DType dtype;
  private final long memory;
  private long version;

  /**
   * A tensor over memory of the context.
   *
   * @param descriptor how the elements lie in {@code data}
   * @param plainDescriptor float32 of the same extents in row-major order
   */
  OnednnTensor(
      OnednnContext context,
      String name,
      Shape shape,
      long descriptor,
      long plainDescriptor,
      MemorySegment data) {
    this.context = context;
    this.name = name;
    this.shape = shape;
    this.descriptor = descriptor;
    this.plainDescriptor = plainDescriptor;
    this.data = data;
    dtype = context.type(descriptor);
    memory = context.memory(descriptor, data);
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
    return dtype;
  }

  /** Returns how the elements lie. */
  long descriptor() {
    return descriptor;
  }

  /** Returns float32 of the same extents in row-major order. */
  long plainDescriptor() {
    return plainDescriptor;
  }

  /** Returns the elements, with the padding of their order. */
  MemorySegment data() {
    return data;
  }

  /** Returns the memory object that primitives take. */
  long memory() {
    return memory;
  }

  @Override
  public void read(float[] destination) {
    checkTransfer(destination.length);
    if (context.same(descriptor, plainDescriptor)) {
      MemorySegment.copy(data, JAVA_FLOAT, 0, destination, 0, destination.length);
      return;
    }
    OnednnApi api = context.api();
    try (HandleScope transfer = HandleScope.ofThread(api)) {
      MemorySegment plain = transfer.allocate(api.dnnl_memory_desc_get_size(plainDescriptor));
      long plainMemory = plainMemory(transfer, plain);
      reorder(transfer, descriptor, memory, plainDescriptor, plainMemory);
      MemorySegment.copy(plain, JAVA_FLOAT, 0, destination, 0, destination.length);
    }
  }

  /** Returns how many times the host has written the elements. */
  long version() {
    return version;
  }

  @Override
  public void write(float[] source) {
    checkTransfer(source.length);
    version++;
    if (context.same(descriptor, plainDescriptor)) {
      MemorySegment.copy(source, 0, data, JAVA_FLOAT, 0, source.length);
      return;
    }
    OnednnApi api = context.api();
    try (HandleScope transfer = HandleScope.ofThread(api)) {
      MemorySegment plain = transfer.allocate(api.dnnl_memory_desc_get_size(plainDescriptor));
      MemorySegment.copy(source, 0, plain, JAVA_FLOAT, 0, source.length);
      reorder(transfer, plainDescriptor, plainMemory(transfer, plain), descriptor, memory);
    }
  }

  private void checkTransfer(int length) {
    context.check();
    Tensor.requireLength(this, length);
  }

  private long plainMemory(HandleScope transfer, MemorySegment plain) {
    return transfer.own(
        Kind.MEMORY,
        context.api().dnnl_memory_create(plainDescriptor, context.engine(), plain.address()));
  }

  private void reorder(HandleScope transfer, long from, long fromMemory, long to, long toMemory) {
    PrimitivePlan plan = PrimitivePlan.reorder(context, transfer, from, to);
    new PrimitiveOperation(
            context,
            transfer,
            "transfer of " + name,
            plan,
            Argument.source(fromMemory),
            Argument.destination(toMemory))
        .run();
  }

  @Override
  public String toString() {
    return name + shape;
  }
}
