package io.github.distillcuda.cli;

import io.github.distillcuda.train.ModelRole;
import java.util.EnumSet;
import java.util.Set;
import picocli.CommandLine.Mixin;

/** The third stage alone. */
@picocli.CommandLine.Command(
    name = "distill",
    description = "Trains the student from the teacher in a model file.")
final class DistillCommand extends TrainingCommand {
  @Mixin TeacherOptions teacher;

  DistillCommand(Session session) {
    super(session);
  }

  @Override
  Set<ModelRole> models() {
    return EnumSet.of(ModelRole.STUDENT);
  }

  @Override
  TeacherOptions teacher() {
    if (teacher.file == null && training.resume == null) {
      throw Ranges.usage(spec, "distill needs a teacher: --teacher FILE");
    }
    return teacher;
  }
}
