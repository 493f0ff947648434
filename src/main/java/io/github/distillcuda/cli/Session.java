package io.github.distillcuda.cli;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.Backends;
import io.github.distillcuda.backend.DeviceRequest;
import io.github.distillcuda.train.StopSignal;
import java.io.PrintStream;
import java.util.Map;
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
    /** Returns those of this machine. */
    static Devices ofMachine() {
      Backends backends = new Backends();
      return new Devices() {
        @Override
        public Backend open(DeviceRequest request, BackendOptions options, Consumer<String> note) {
          return backends.select(request, options, note);
        }

        @Override
        public void requirePresent(DeviceRequest request, BackendOptions options) {
          backends.requirePresent(request, options);
        }

        @Override
        public Map<String, String> surveyCuda() {
          return backends.surveyCuda();
        }
      };
    }

    /** Opens the device that was asked for. */
    Backend open(DeviceRequest request, BackendOptions options, Consumer<String> note);

    /** Throws at once where the device that was asked for cannot be opened for want of one. */
    default void requirePresent(DeviceRequest request, BackendOptions options) {}

    /** Returns what there is of CUDA, for people who ask why it is not used. */
    default Map<String, String> surveyCuda() {
      return Map.of();
    }
  }

  ConsoleReporter reporter(OutputOptions options) {
    return new ConsoleReporter(options, out, err, terminal);
  }
}
