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

  /** Says that a training has begun, which looks at {@link #requested} and ends by itself. */
  public void heed() {
    heeded = true;
  }

  /** Returns whether a training looks; where not, there is nothing to save and no need to wait. */
  public boolean isHeeded() {
    return heeded;
  }

  /**
   * Ends work between two savings, which can be done again.
   *
   * @param where for the message, such as {@code "after step 3 of the teacher"}
   * @throws DistillException with the exit code that was asked for, if one was
   */
  public void throwIfRequested(String where) {
    if (requested != null) {
      throw end(where);
    }
  }

  /** Returns what ends the run that was asked to stop: with the exit code that was asked for. */
  DistillException end(String where) {
    String what = requested == ExitCode.INTERRUPTED ? "interrupted" : "terminated";
    return new DistillException(requested, what + " " + where);
  }

  /** Returns the exit code that was asked for; null if none was. */
  public ExitCode requested() {
    return requested;
  }
}
