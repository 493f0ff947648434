package io.github.distillcuda.cli;

import io.github.distillcuda.backend.Backends;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.launch.ChildProcess;
import io.github.distillcuda.launch.Signals;
import java.util.function.Consumer;

/**
 * Turns Ctrl-C, SIGTERM, a closed terminal and the death of the launcher into requests to stop: the
 * first asks for an orderly stop, the second ends the process at once.
 *
 * <p>Behind a launcher, Ctrl-C reaches both processes and {@code kill} only one of them. Each
 * process hears no more signals than there were requests, and one of them heard every request, so
 * the number of requests is the larger of the two counts.
 */
public final class StopSignals {
  private final Consumer<ExitCode> onFirst;
  private final Consumer<ExitCode> onSecond;

  private int heardHere;
  private int heardByLauncher;
  private ExitCode reason;

  /** Listens to nothing by itself; the program uses {@link #listen}. */
  StopSignals(Consumer<ExitCode> onFirst, Consumer<ExitCode> onSecond) {
    this.onFirst = onFirst;
    this.onSecond = onSecond;
  }

  /**
   * Listens until the process ends. The first request calls {@code onStop}, on a thread of its own,
   * with the code to exit with once everything is saved. The second ends the process with the first
   * one's code at once, see {@link Backends#abandon}.
   */
  public static void listen(Consumer<ExitCode> onStop) {
    StopSignals signals = new StopSignals(onStop, reason -> Backends.abandon(reason.value()));
    Signals.handle("INT", () -> signals.heardHere(ExitCode.INTERRUPTED));
    Signals.handle("TERM", () -> signals.heardHere(ExitCode.TERMINATED));
    Signals.handle("HUP", () -> signals.heardHere(ExitCode.TERMINATED));
    if (ChildProcess.isThisProcess()) {
      ParentWatch.start(signals::heardByLauncher, signals::launcherEnded);
    }
  }

  void heardHere(ExitCode code) {
    count(code, () -> heardHere++);
  }

  void heardByLauncher(ExitCode code) {
    count(code, () -> heardByLauncher++);
  }

  /**
   * A request, unless there was one; the next signal, which only this process hears, is another.
   */
  void launcherEnded() {
    count(ExitCode.TERMINATED, () -> heardHere = heardByLauncher = Math.max(1, requests()));
  }

  /** Reacts outside the lock: a first reaction that hangs must not hold up the second. */
  private void count(ExitCode code, Runnable counting) {
    int before;
    int now;
    ExitCode first;
    synchronized (this) {
      before = requests();
      counting.run();
      now = requests();
      reason = before == 0 ? code : reason;
      first = reason;
    }
    if (now > before) {
      (before == 0 ? onFirst : onSecond).accept(first);
    }
  }

  private int requests() {
    return Math.max(heardHere, heardByLauncher);
  }
}
