package io.github.distillcuda.cuda;

/** Memory on the GPU; see {@link DeviceMemory#allocate}. */
public final class DeviceBuffer extends ContextHandle implements DeviceRange {
  private final String name;
  private final long byteSize;

  DeviceBuffer(CudaContext context, String name, long byteSize) {
    super(context, name, context.driver().cuMemAlloc_v2(byteSize));
    this.name = name;
    this.byteSize = byteSize;
  }

  /** Returns what the buffer holds. */
  public String name() {
    return name;
  }

  @Override
  public long byteSize() {
    return byteSize;
  }

  /**
   * Returns the address of a range in this buffer.
   *
   * @throws IndexOutOfBoundsException if the range is not in this buffer
   */
  public long address(long offset, long length) {
    if (offset < 0 || length < 0 || offset > byteSize - length) {
      throw new IndexOutOfBoundsException(
          "%s has %d bytes, not %d from %d".formatted(this, byteSize, length, offset));
    }
    return address() + offset;
  }

  @Override
  void release(long address) {
    context().driver().cuMemFree_v2(address);
  }

  @Override
  void afterClose() {
    context().memory().freed(this);
    super.afterClose();
  }
}
