package io.github.distillcuda.cli;

import io.github.distillcuda.nn.Architecture;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How wide the teacher is. An object that picocli did not fill has the default. */
final class TeacherWidths {
  @Spec(Spec.Target.MIXEE)
  CommandSpec command;

  @Option(
      names = "--teacher-widths",
      paramLabel = "A,B,C",
      description =
          "the teacher's conv1, conv2 and fc1 outputs (default: 64,128,256; of a"
              + " teacher from a file, what its shapes say)")
  String widths;

  /** Returns what was asked for, or else the published teacher's. */
  Architecture architecture() {
    return widths == null
        ? Architecture.TEACHER
        : Widths.parse(command, "--teacher-widths", widths);
  }

  /** Refuses a file of other widths than were asked for. */
  void requireSame(ModelFile file) {
    if (widths != null && !architecture().equals(file.architecture())) {
      throw Ranges.usage(
          command,
          "--teacher-widths %s, but %s has %s; leave --teacher-widths out"
              .formatted(widths, file.path(), file.architecture()));
    }
  }
}
