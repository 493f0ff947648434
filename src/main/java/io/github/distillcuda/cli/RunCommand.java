package io.github.distillcuda.cli;

import io.github.distillcuda.train.ModelRole;
import java.util.EnumSet;
import java.util.Set;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The whole pipeline, and what the program does where no command is named. */
@picocli.CommandLine.Command(
    name = "run",
    description =
        "Trains a teacher, a student on labels alone and a distilled student, and compares them.")
final class RunCommand extends TrainingCommand {
  @Mixin TeacherOptions teacher;

  @Option(names = "--no-baseline", description = "do not train the student without a teacher")
  boolean noBaseline;

  RunCommand(Session session) {
    super(session);
  }

  @Override
  Set<ModelRole> models() {
    if (teacher.file != null) {
      return noBaseline
          ? EnumSet.of(ModelRole.STUDENT)
          : EnumSet.of(ModelRole.BASELINE, ModelRole.STUDENT);
    }
    return noBaseline
        ? EnumSet.of(ModelRole.TEACHER, ModelRole.STUDENT)
        : EnumSet.of(ModelRole.TEACHER, ModelRole.BASELINE, ModelRole.STUDENT);
  }

  @Override
  TeacherOptions teacher() {
    return teacher;
  }
}
