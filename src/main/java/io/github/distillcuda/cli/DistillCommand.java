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
  @Mixin DistillationOptions distillation;
  @Mixin StudentOptions student;
  @Mixin TeacherOptions teacher;
  @Mixin TeacherWidths widths;

  DistillCommand(Session session) {
    super(session);
  }

  @Override
  Set<ModelRole> models() {
    return EnumSet.of(ModelRole.STUDENT);
  }

  @Override
  void check() {
    super.check();
    distillation.check();
    student.check();
    if (teacher.file == null && training.resume == null) {
      throw Ranges.usage(spec, "distill needs a teacher: --teacher FILE");
    }
  }

  @Override
  DistillationOptions distillation() {
    return distillation;
  }

  @Override
  StudentOptions student() {
    return student;
  }

  @Override
  TeacherWidths teacherWidths() {
    return widths;
  }

  @Override
  TeacherOptions teacher() {
    return teacher;
  }
}
