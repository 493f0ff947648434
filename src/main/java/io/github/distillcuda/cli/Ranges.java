package io.github.distillcuda.cli;

import java.util.Locale;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Checks that numbers lie where they may; a failure says what is allowed. */
final class Ranges {
  private Ranges() {}

  /** Returns the failure of a command line, with exit code 2. */
  static ParameterException usage(CommandSpec command, String line) {
    return new ParameterException(command.commandLine(), line);
  }

  static void requireWithin(CommandSpec command, String option, long value, long least, long most) {
    if (value < least || value > most) {
      throw usage(
          command,
          "%s %d: must be a whole number from %d to %d".formatted(option, value, least, most));
    }
  }

  static void requireWithin(
      CommandSpec command, String option, double value, double least, double most) {
    if (!(value >= least && value <= most)) {
      throw usage(
          command,
          "%s %s: must be a number from %s to %s"
              .formatted(option, plain(value), plain(least), plain(most)));
    }
  }

  /** Formats a number as a person would write it: 5, 0.7, 1e-6. */
  static String plain(double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e15) {
      return String.format(Locale.ROOT, "%.0f", value);
    }
    return Float.toString((float) value).replace("E", "e");
  }
}
