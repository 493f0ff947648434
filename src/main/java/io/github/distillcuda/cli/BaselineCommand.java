package io.github.distillcuda.cli;

import io.github.distillcuda.train.ModelRole;
import java.util.EnumSet;
import java.util.Set;
import picocli.CommandLine.Mixin;

/** The second stage alone. */
@picocli.CommandLine.Command(
    name = "baseline",
    description = "Trains the student on labels alone, without a teacher.")
final class BaselineCommand extends TrainingCommand {
  @Mixin StudentOptions student;

  BaselineCommand(Session session) {
    super(session);
  }

  @Override
  Set<ModelRole> models() {
    return EnumSet.of(ModelRole.BASELINE);
  }

  @Override
  void check() {
    super.check();
    student.check();
  }

  @Override
  StudentOptions student() {
    return student;
  }
}
