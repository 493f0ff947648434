package io.github.distillcuda.cli;

import io.github.distillcuda.train.StopSignal;
import java.io.PrintStream;

/**
 * What a command has from its surroundings.
 *
 * @param out standard output
 * @param err standard error
 * @param terminal whether both are a terminal
 * @param stop where a signal asks the training to end
 */
record Session(PrintStream out, PrintStream err, boolean terminal, StopSignal stop) {
  ConsoleReporter reporter(OutputOptions options) {
    return new ConsoleReporter(options, out, err, terminal);
  }
}
