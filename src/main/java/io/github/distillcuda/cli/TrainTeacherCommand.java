package io.github.distillcuda.cli;

import io.github.distillcuda.train.ModelRole;
import java.util.EnumSet;
import java.util.Set;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The first stage alone. */
@picocli.CommandLine.Command(name = "train-teacher", description = "Trains the teacher alone.")
final class TrainTeacherCommand extends TrainingCommand {
  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "epochs of the teacher (default: ${DEFAULT-VALUE})")
  int epochs = TEACHER_EPOCHS;

  @Mixin TeacherWidths widths;

  TrainTeacherCommand(Session session) {
    super(session);
  }

  @Override
  Set<ModelRole> models() {
    return EnumSet.of(ModelRole.TEACHER);
  }

  @Override
  void check() {
    super.check();
    Ranges.requireWithin(spec, "--epochs", epochs, 1L, 100_000L);
  }

  @Override
  int teacherEpochs() {
    return epochs;
  }

  @Override
  TeacherWidths teacherWidths() {
    return widths;
  }
}
