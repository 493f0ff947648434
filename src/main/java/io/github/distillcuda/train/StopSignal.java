package io.github.distillcuda.train;

import io.github.distillcuda.failure.ExitCode;

/** A request, from any thread, that the training ends after the steps in flight. Sticky. */
public final class StopSignal {
  private volatile ExitCode requested;

  /** Asks the training to end with the given exit code; the first request counts. */
  public synchronized void request(ExitCode exitCode) {
    if (requested == null) {
      requested = exitCode;
    }
  }

  /** Returns the exit code that was asked for; null if none was. */
  public ExitCode requested() {
    return requested;
  }
}
