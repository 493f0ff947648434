package io.github.distillcuda.cli;

import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How any model is trained and where the run folder goes. */
final class TrainingOptions {
  /** The default. */
  static final int BATCH_SIZE = 64;

  @Spec(Spec.Target.MIXEE)
  CommandSpec command;

  @Option(
      names = {"--batch-size", "--batch_size"},
      paramLabel = "N",
      description = "images of a step (default: ${DEFAULT-VALUE})")
  int batchSize = BATCH_SIZE;

  @Option(
      names = {"--lr", "--learning-rate"},
      paramLabel = "X",
      defaultValue = "1e-3",
      description = "Adam's step size (default: ${DEFAULT-VALUE})")
  double learningRate;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "42",
      description = "seed of initial weights and orders (default: ${DEFAULT-VALUE})")
  long seed;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "the run folder (default: runs/<date-time>)")
  Path out;

  @Option(
      names = "--resume",
      paramLabel = "DIR",
      description = "go on with the interrupted run in this folder")
  Path resume;

  @Option(
      names = "--save-every",
      paramLabel = "N",
      defaultValue = "1",
      description = "epochs between checkpoints (default: ${DEFAULT-VALUE})")
  int saveEvery;

  @Option(
      names = "--subset",
      paramLabel = "N",
      description = "train on the first N images (default: all)")
  Integer subset;

  void check() {
    Ranges.requireWithin(command, "--batch-size", batchSize, 1L, 50_000L);
    Ranges.requireWithin(command, "--lr", learningRate, 1e-12, 10);
    Ranges.requireWithin(command, "--save-every", saveEvery, 1L, 100_000L);
    if (subset != null) {
      Ranges.requireWithin(command, "--subset", subset, 1, 50_000);
    }
    if (out != null && resume != null) {
      throw Ranges.usage(
          command, "--out does not go with --resume, which names the run folder; leave one out");
    }
  }
}
