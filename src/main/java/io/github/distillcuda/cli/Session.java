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
  /** Where devices come from. */
  interface Devices {
    /** Those of this machine. */
    Devices OF_MACHINE =
        new Devices() {
          @Override
          public Backend open(
              DeviceRequest request, BackendOptions options, Consumer<String> note) {
            return Backends.select(request, options, note);
          }

          @Override
          public void requirePresent(DeviceRequest request, BackendOptions options) {
            Backends.requirePresent(request, options);
          }
        };

    /** Opens the device that was asked for. */
    Backend open(DeviceRequest request, BackendOptions options, Consumer<String> note);

    /** Throws at once where the device that was asked for cannot be opened for want of one. */
    default void requirePresent(DeviceRequest request, BackendOptions options) {}
  }

  Session(PrintStream out, PrintStream err, boolean terminal, StopSignal stop) {
    this(out, err, terminal, stop, Devices.OF_MACHINE);
  }

  ConsoleReporter reporter(OutputOptions options) {
    return new ConsoleReporter(options, out, err, terminal);
  }
}
