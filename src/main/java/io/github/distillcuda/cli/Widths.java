package io.github.distillcuda.cli;

import io.github.distillcuda.nn.Architecture;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;

/** Reads the widths of a network as they are typed, such as {@code 64,128,256}. */
final class Widths {
  private Widths() {}

  /** Returns the network of the given widths. */
  static Architecture parse(CommandSpec command, String option, String widths) {
    if (!widths.matches("\\d{1,4},\\d{1,4},\\d{1,4}")) {
      throw Ranges.usage(
          command, option + " " + widths + ": must be three numbers such as 64,128,256");
    }
    int[] outputs = Stream.of(widths.split(",")).mapToInt(Integer::parseInt).toArray();
    for (int width : outputs) {
      Ranges.requireWithin(command, option, width, 1L, 4096L);
    }
    return new Architecture(outputs[0], outputs[1], outputs[2], Architecture.CIFAR10_CLASSES);
  }
}
