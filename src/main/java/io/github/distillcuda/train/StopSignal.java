package io.github.distillcuda.train;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;

/** A request, from any thread, that the training ends after the steps in flight. Sticky. */
public final class StopSignal {
  private volatile ExitCode requested;
  private volatile boolean heeded;

  /** Asks the training to end with the given exit code; the first request counts. */
  public synchronized void request(ExitCode exitCode) {
    if (requested == null) {
      requested = exitCode;
    }
  }

  /** Says that from now on someone looks at {@link #requested}. */
  public void heed() {
    heeded = true;
  }

  /** Returns whether anyone does; where not, there is nothing to save and no reason to go on. */
  public boolean isHeeded() {
    return heeded;
  }

  /**
   * Ends work between two savings, which can be done again.
   *
   * @throws DistillException with the exit code that was asked for, if one was
   */
  public void throwIfRequested() {
    if (requested != null) {
      throw new DistillException(requested, "stopped; everything up to the last save is kept");
    }
  }

  /** Returns the exit code that was asked for; null if none was. */
  public ExitCode requested() {
    return requested;
  }
}
