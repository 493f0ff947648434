package io.github.distillcuda.cuda;

import io.github.distillcuda.ffi.CudaConstants;

/** A point in a stream, for others to wait for or to measure time by. */
public final class CudaEvent extends ContextHandle {
  private CudaEvent(CudaContext context, String name, int flags) {
    super(context, name, context.driver().cuEventCreate(flags));
  }

  /** Creates an event that orders work and measures nothing; the caller closes it. */
  public static CudaEvent create(CudaContext context, String name) {
    return new CudaEvent(context, name, CudaConstants.CU_EVENT_DISABLE_TIMING);
  }

  /** Creates an event that remembers its time; the caller closes it. */
  public static CudaEvent createTiming(CudaContext context, String name) {
    return new CudaEvent(context, name, CudaConstants.CU_EVENT_DEFAULT);
  }

  /** Sets this event to the present end of a stream. */
  public void record(CudaStream stream) {
    driver().cuEventRecord(address(), stream.address());
  }

  /** Returns whether the work before this event is done; true if it was never recorded. */
  public boolean isDone() {
    return driver().cuEventQuery(address());
  }

  /** Returns the milliseconds since another event; both time, and both are done. */
  public float millisecondsSince(CudaEvent start) {
    return driver().cuEventElapsedTime(start.address(), address());
  }

  @Override
  void release(long address) {
    context().driver().cuEventDestroy_v2(address);
  }
}
