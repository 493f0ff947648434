package io.github.distillcuda.cuda;

import io.github.distillcuda.ffi.CudaDriverApi;

/** A handle that lives in a context, which refuses to close before it. */
abstract class ContextHandle extends NativeHandle {
  private final CudaContext context;

  ContextHandle(CudaContext context, String name, long address) {
    super(name, context.latch(), address);
    this.context = context;
    context.opened(this);
  }

  /** Returns the context. */
  final CudaContext context() {
    return context;
  }

  /** Returns the driver, if this handle may be used. */
  final CudaDriverApi driver() {
    requireUsable();
    return context.driver();
  }

  @Override
  void afterClose() {
    context.closed(this);
  }
}
