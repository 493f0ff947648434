package io.github.distillcuda.cuda;

import java.lang.foreign.MemorySegment;

/**
 * Page-locked host memory: what the GPU copies from and to without the CPU. It must not be changed,
 * read or closed before a copy is done, which the stream knows.
 */
public final class PinnedBuffer extends ContextHandle {
  private final MemorySegment memory;

  private PinnedBuffer(CudaContext context, String name, MemorySegment memory) {
    super(context, name, memory.address());
    this.memory = memory;
  }

  /** Allocates a buffer, not initialised; the caller closes it. */
  public static PinnedBuffer allocate(CudaContext context, String name, long byteSize) {
    return new PinnedBuffer(context, name, context.driver().cuMemAllocHost_v2(byteSize));
  }

  /**
   * Returns the memory; it must not be used once this buffer is closed.
   *
   * @throws IllegalStateException if this buffer is closed
   */
  public MemorySegment memory() {
    requireUsable();
    return memory;
  }

  @Override
  void release(long address) {
    context().driver().cuMemFreeHost(memory);
  }
}
