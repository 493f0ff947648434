package io.github.distillcuda.backend;

/**
 * The life of one backend: open until it is closed, and used by the thread that opened it alone.
 */
public final class Lifetime {
  private final String backend;
  private final Thread owner = Thread.currentThread();
  private boolean closed;

  /**
   * Begins with the calling thread as the owner.
   *
   * @param backend the backend's name in messages
   */
  public Lifetime(String backend) {
    this.backend = backend;
  }

  /**
   * Checks that the backend may be used here and now.
   *
   * @throws IllegalStateException if it is closed or belongs to another thread
   */
  public void check() {
    if (closed) {
      throw new IllegalStateException(backend + " is closed");
    }
    if (Thread.currentThread() != owner) {
      throw new IllegalStateException(
          "%s belongs to thread %s, not %s"
              .formatted(backend, owner.getName(), Thread.currentThread().getName()));
    }
  }

  /**
   * Ends the life of everything the backend created.
   *
   * @return whether it was still open; if not, there is nothing left to do
   * @throws IllegalStateException if it is open and belongs to another thread
   */
  public boolean close() {
    if (closed) {
      return false;
    }
    check();
    closed = true;
    return true;
  }
}
