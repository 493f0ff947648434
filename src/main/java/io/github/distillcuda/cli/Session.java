package io.github.distillcuda.cli;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.Backends;
import io.github.distillcuda.backend.DeviceRequest;
import io.github.distillcuda.train.StopSignal;
import java.io.PrintStream;
import java.util.function.Consumer;

/**
 * What a command has from its surroundings.
 *
 * @param out standard output
 * @param err standard error
 * @param terminal whether both are a terminal
 * @param stop where a signal asks the training to end
 * @param devices where devices come from
 */
record Session(
    PrintStream out, PrintStream err, boolean terminal, StopSignal stop, Devices devices) {
  /** Opens the device that was asked for; {@link Backends#select} is the one that does. */
  interface Devices {
    Backend open(DeviceRequest request, BackendOptions options, Consumer<String> note);
  }

  Session(PrintStream out, PrintStream err, boolean terminal, StopSignal stop) {
    this(out, err, terminal, stop, Backends::select);
  }

  ConsoleReporter reporter(OutputOptions options) {
    return new ConsoleReporter(options, out, err, terminal);
  }
}
