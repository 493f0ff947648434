package io.github.distillcuda.cuda;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Owns handles and closes them in reverse order, all of them, even if some fail to close: the first
 * failure is thrown, the others are its suppressed ones.
 */
public final class DeviceScope implements AutoCloseable {
  private final Deque<AutoCloseable> owned = new ArrayDeque<>();

  /** Takes over a handle, and returns it. */
  public <T extends AutoCloseable> T own(T handle) {
    owned.push(handle);
    return handle;
  }

  /**
   * Gives a handle back to the caller, who owns it from here on.
   *
   * @throws IllegalArgumentException if this scope does not own it
   */
  public <T extends AutoCloseable> T release(T handle) {
    if (!owned.removeIf(other -> other == handle)) {
      throw new IllegalArgumentException(handle + " is not owned by this scope");
    }
    return handle;
  }

  /** Closes what is owned, the last first; a second call does nothing. */
  @Override
  public void close() {
    RuntimeException first = null;
    while (!owned.isEmpty()) {
      AutoCloseable handle = owned.pop();
      try {
        handle.close();
      } catch (Exception e) {
        RuntimeException failure =
            e instanceof RuntimeException unchecked
                ? unchecked
                : new IllegalStateException(handle + " did not close", e);
        if (first == null) {
          first = failure;
        } else {
          first.addSuppressed(failure);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
