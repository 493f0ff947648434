package io.github.distillcuda.cuda;

import io.github.distillcuda.ffi.CudaConstants;

/**
 * A queue of work on the GPU, independent of the default stream. All copies are in stream order and
 * from or to page-locked memory: a copy outside of a stream would not wait for one. Memory of the
 * device must be of the stream's context, or an {@link IllegalArgumentException} names both.
 */
public final class CudaStream extends ContextHandle {
  private final boolean owned;

  private CudaStream(CudaContext context, String name, long address, boolean owned) {
    super(context, name, address);
    this.owned = owned;
  }

  /** Creates a stream of the highest priority; the caller closes it. */
  public static CudaStream create(CudaContext context, String name) {
    int highest = context.driver().cuCtxGetStreamPriorityRange()[1];
    long address =
        context.driver().cuStreamCreateWithPriority(CudaConstants.CU_STREAM_NON_BLOCKING, highest);
    return new CudaStream(context, name, address, true);
  }

  /**
   * Wraps a stream that another library owns and that stays its own: {@link #close} only forgets
   * it.
   *
   * @param context the stream's context, current in the calling thread
   * @param address its {@code CUstream}
   * @throws IllegalArgumentException if the stream is of another context
   */
  public static CudaStream borrow(CudaContext context, String name, long address) {
    long actual = context.driver().cuStreamGetCtx(address);
    if (actual != context.address()) {
      throw new IllegalArgumentException(
          "stream 0x%x (%s) is of context 0x%x, not of 0x%x, which it was borrowed for"
              .formatted(address, name, actual, context.address()));
    }
    return new CudaStream(context, name, address, false);
  }

  /** Waits for all work of this stream. */
  public void synchronize() {
    driver().cuStreamSynchronize(address());
  }

  /** Lets what follows wait for an event. */
  public void waitFor(CudaEvent event) {
    driver().cuStreamWaitEvent(address(), event.address(), 0);
  }

  /** Copies {@code byteSize} bytes to the device. */
  public void copyToDevice(
      PinnedBuffer source,
      long sourceOffset,
      DeviceBuffer target,
      long targetOffset,
      long byteSize) {
    requireSameContext(target);
    driver()
        .cuMemcpyHtoDAsync_v2(
            target.address(targetOffset, byteSize),
            source.memory().asSlice(sourceOffset, byteSize),
            address());
  }

  /** Copies {@code byteSize} bytes to the host, where they are once this stream got there. */
  public void copyToHost(
      DeviceBuffer source,
      long sourceOffset,
      PinnedBuffer target,
      long targetOffset,
      long byteSize) {
    requireSameContext(source);
    driver()
        .cuMemcpyDtoHAsync_v2(
            target.memory().asSlice(targetOffset, byteSize),
            source.address(sourceOffset, byteSize),
            address());
  }

  /** Copies {@code byteSize} bytes on the device; the ranges must not overlap. */
  public void copy(
      DeviceBuffer source,
      long sourceOffset,
      DeviceBuffer target,
      long targetOffset,
      long byteSize) {
    requireSameContext(source);
    requireSameContext(target);
    driver()
        .cuMemcpyDtoDAsync_v2(
            target.address(targetOffset, byteSize),
            source.address(sourceOffset, byteSize),
            byteSize,
            address());
  }

  /** Sets {@code byteSize} bytes. */
  public void fill(DeviceBuffer target, long offset, long byteSize, byte value) {
    requireSameContext(target);
    driver().cuMemsetD8Async(target.address(offset, byteSize), value, byteSize, address());
  }

  /** Sets all bytes of a buffer to 0. */
  public void clear(DeviceBuffer target) {
    fill(target, 0, target.byteSize(), (byte) 0);
  }

  @Override
  void release(long address) {
    if (owned) {
      context().driver().cuStreamDestroy_v2(address);
    }
  }
}
