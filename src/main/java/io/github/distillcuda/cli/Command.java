package io.github.distillcuda.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** What all commands share. Returns the exit code; throws a DistillException for the others. */
@picocli.CommandLine.Command(
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    usageHelpAutoWidth = true,
    sortOptions = false)
abstract class Command implements Callable<Integer> {
  final Session session;

  @Mixin OutputOptions output;

  @Spec CommandSpec spec;

  Command(Session session) {
    this.session = session;
  }
}
