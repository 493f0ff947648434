package io.github.distillcuda.cli;

import io.github.distillcuda.train.ModelRole;
import java.util.EnumSet;
import java.util.Set;

/** The first stage alone. */
@picocli.CommandLine.Command(name = "train-teacher", description = "Trains the teacher alone.")
final class TrainTeacherCommand extends TrainingCommand {
  TrainTeacherCommand(Session session) {
    super(session);
  }

  @Override
  Set<ModelRole> models() {
    return EnumSet.of(ModelRole.TEACHER);
  }
}
