package io.github.distillcuda.cli;

import io.github.distillcuda.failure.ExitCode;
import java.io.IOException;
import java.util.function.Consumer;

/**
 * The program's end of the pipe from the launcher: it carries the initial letter of each signal
 * that the launcher receives, and ends when the launcher does, even by SIGKILL.
 */
final class ParentWatch {
  private ParentWatch() {}

  /** Calls {@code onSignal} for each signal that the launcher hears, and {@code onEnd} once. */
  static void start(Consumer<ExitCode> onSignal, Runnable onEnd) {
    Thread.ofPlatform().name("parent-watch").daemon().start(() -> watch(onSignal, onEnd));
  }

  private static void watch(Consumer<ExitCode> onSignal, Runnable onEnd) {
    try {
      for (int letter = System.in.read(); letter >= 0; letter = System.in.read()) {
        onSignal.accept(letter == 'I' ? ExitCode.INTERRUPTED : ExitCode.TERMINATED);
      }
    } catch (IOException e) {
      // A broken pipe means what its end means.
    }
    onEnd.run();
  }
}
