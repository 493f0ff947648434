package io.github.distillcuda.cuda;

import io.github.distillcuda.ffi.CudaLatch;

/**
 * Owns one native object. It is closed exactly once, a second {@link #close()} does nothing; it is
 * used and closed only by the thread that made it, because that thread has the context; and once
 * the GPU is lost, closing it calls nothing any more.
 */
public abstract class NativeHandle implements AutoCloseable {
  private final String name;
  private final CudaLatch latch;
  private final Thread owner = Thread.currentThread();
  private final long address;
  private boolean closed;

  /**
   * Takes over a native object.
   *
   * @param name what it is for, such as {@code conv1.weight}; failures say it
   * @param address what the library calls it
   */
  NativeHandle(String name, CudaLatch latch, long address) {
    this.name = name;
    this.latch = latch;
    this.address = address;
  }

  /**
   * Returns what the library calls the object.
   *
   * @throws IllegalStateException if this handle is closed, or belongs to another thread
   */
  public final long address() {
    requireUsable();
    return address;
  }

  /** Throws unless this handle is open and belongs to the calling thread. */
  final void requireUsable() {
    requireOwner();
    if (closed) {
      throw new IllegalStateException(this + " is closed");
    }
  }

  private void requireOwner() {
    if (Thread.currentThread() != owner) {
      throw new IllegalStateException(
          "%s belongs to thread \"%s\", not to \"%s\""
              .formatted(this, owner.getName(), Thread.currentThread().getName()));
    }
  }

  /** Returns whether this handle is closed. */
  public final boolean isClosed() {
    return closed;
  }

  /**
   * Frees the native object.
   *
   * @throws IllegalStateException if this handle belongs to another thread, or others that need it
   *     are open; it stays open then
   */
  @Override
  public final void close() {
    if (closed) {
      return;
    }
    requireOwner();
    beforeClose();
    closed = true;
    try {
      if (!latch.isLost()) {
        release(address);
      }
    } finally {
      afterClose();
    }
  }

  /** Throws if the object must not be freed yet. */
  void beforeClose() {}

  /** Frees the object; called at most once, and not once the GPU is lost. */
  abstract void release(long address);

  /** Called when the object is freed, also if that failed: nobody owns it any more. */
  void afterClose() {}

  /** Returns kind and name, such as {@code DeviceBuffer conv1.weight}. */
  @Override
  public final String toString() {
    return getClass().getSimpleName() + " " + name;
  }
}
