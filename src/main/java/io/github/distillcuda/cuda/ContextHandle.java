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

  /**
   * Throws if another handle is of another context, where addresses of this one are invalid or mean
   * something else. Allocates nothing otherwise.
   *
   * @throws IllegalArgumentException naming both handles and their contexts
   */
  final void requireSameContext(ContextHandle other) {
    if (!context.isSame(other.context)) {
      throw new IllegalArgumentException(
          "%s is of %s (0x%x), but %s is of %s (0x%x)"
              .formatted(
                  other, other.context, other.context.address(), this, context, context.address()));
    }
  }

  /** Returns the driver, if this handle may be used; its context is current then. */
  final CudaDriverApi driver() {
    requireUsable();
    return context.driver();
  }

  @Override
  void afterClose() {
    context.closed(this);
  }
}
