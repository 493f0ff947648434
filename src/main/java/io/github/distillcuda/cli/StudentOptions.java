package io.github.distillcuda.cli;

import io.github.distillcuda.nn.Architecture;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * The student, with a teacher and without one. An object that picocli did not fill has the
 * defaults.
 */
final class StudentOptions {
  @Spec(Spec.Target.MIXEE)
  CommandSpec command;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "epochs of baseline and student (default: ${DEFAULT-VALUE})")
  int epochs = 10;

  @Option(
      names = "--student-widths",
      paramLabel = "A,B,C",
      description = "the student's conv1, conv2 and fc1 outputs (default: ${DEFAULT-VALUE})")
  String widths = Architecture.STUDENT.toString();

  void check() {
    Ranges.requireWithin(command, "--epochs", epochs, 1L, 100_000L);
  }

  Architecture architecture() {
    return Widths.parse(command, "--student-widths", widths);
  }
}
