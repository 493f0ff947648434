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
  @Mixin DistillationOptions distillation;
  @Mixin StudentOptions student;

  @Option(
      names = "--teacher-epochs",
      paramLabel = "N",
      description = "epochs of the teacher (default: ${DEFAULT-VALUE})")
  int epochsOfTeacher = TEACHER_EPOCHS;

  @Mixin TeacherOptions teacher;
  @Mixin TeacherWidths widths;

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

  /** A run with a teacher from a file and without a baseline trains what {@code distill} does. */
  @Override
  boolean trains(Set<ModelRole> models) {
    return models.contains(ModelRole.STUDENT);
  }

  @Override
  void check() {
    super.check();
    distillation.check();
    student.check();
    Ranges.requireWithin(spec, "--teacher-epochs", epochsOfTeacher, 1L, 100_000L);
    if (training.resume != null) {
      return; // what is given is held against the run's settings
    }
    if (teacher.file == null && !teacher.renames.isEmpty()) {
      throw Ranges.usage(spec, "--rename is for the names in a file: add --teacher FILE");
    }
    if (teacher.file != null
        && spec.commandLine().getParseResult().hasMatchedOption("--teacher-epochs")) {
      throw Ranges.usage(
          spec, "--teacher-epochs: a teacher from a file is not trained; leave it out");
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
  int teacherEpochs() {
    return epochsOfTeacher;
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
