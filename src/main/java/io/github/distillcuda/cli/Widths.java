package io.github.distillcuda.cli;

import io.github.distillcuda.nn.Architecture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;

/** Reads the widths of a network as they are typed, such as {@code 64,128,256}. */
final class Widths {
  private static final int WIDEST = 4096;

  private Widths() {}

  /** Returns the network of the given widths. */
  static Architecture parse(CommandSpec command, String option, String widths) {
    if (!widths.matches("\\d+,\\d+,\\d+")) {
      throw Ranges.usage(
          command, option + " " + widths + ": must be three numbers such as 64,128,256");
    }
    int[] outputs = Stream.of(widths.split(",")).mapToInt(Widths::width).toArray();
    if (IntStream.of(outputs).anyMatch(width -> width < 1 || width > WIDEST)) {
      throw Ranges.usage(
          command,
          "%s %s: each must be a whole number from 1 to %d".formatted(option, widths, WIDEST));
    }
    return new Architecture(outputs[0], outputs[1], outputs[2], Architecture.CIFAR10_CLASSES);
  }

  private static int width(String digits) {
    // So many digits are more than any width, and may be more than any integer.
    return digits.length() > 9 ? Integer.MAX_VALUE : Integer.parseInt(digits);
  }
}
