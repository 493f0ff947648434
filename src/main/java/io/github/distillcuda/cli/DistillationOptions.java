package io.github.distillcuda.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The loss of a student with a teacher. An object that picocli did not fill has the defaults. */
final class DistillationOptions {
  @Spec(Spec.Target.MIXEE)
  CommandSpec command;

  @Option(
      names = {"--T", "--temperature"},
      paramLabel = "T",
      description = "temperature of the softened outputs (default: 5)")
  double temperature = 5;

  @Option(
      names = "--alpha",
      paramLabel = "A",
      description =
          "weight of the distillation term; 1 - A weighs the labels (default: ${DEFAULT-VALUE})")
  double alpha = 0.7;

  void check() {
    Ranges.requireWithin(command, "--T", temperature, 1e-3, 1e6);
    Ranges.requireWithin(command, "--alpha", alpha, 0, 1);
  }
}
