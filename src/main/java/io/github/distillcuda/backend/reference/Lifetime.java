package io.github.distillcuda.backend.reference;

/**
 * The life of one backend: open until it is closed, and used by the thread that opened it alone.
 */
final class Lifetime {
  private final Thread owner = Thread.currentThread();
  private boolean closed;

  /**
   * Checks that the backend may be used here and now.
   *
   * @throws IllegalStateException if it is closed or belongs to another thread
   */
  void check() {
    checkThread();
    if (closed) {
      throw new IllegalStateException("the reference backend is closed");
    }
  }

  /** Ends the life of everything the backend created; a second call does nothing. */
  void close() {
    checkThread();
    closed = true;
  }

  /**
   * Returns {@code object} as this backend's own implementation of it.
   *
   * @throws IllegalArgumentException if another backend created it, or nobody (null)
   */
  <T extends Owned> T own(Class<T> type, Object object, String what) {
    if (!type.isInstance(object) || type.cast(object).lifetime() != this) {
      throw new IllegalArgumentException(what + " was not created by this reference backend");
    }
    return type.cast(object);
  }

  private void checkThread() {
    if (Thread.currentThread() != owner) {
      throw new IllegalStateException(
          "the reference backend belongs to thread %s, not %s"
              .formatted(owner.getName(), Thread.currentThread().getName()));
    }
  }
}
