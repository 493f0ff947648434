package io.github.distillcuda.cli;

import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which images to train on and where they are. */
final class DataOptions {
  enum Kind {
    auto,
    cifar10,
    synthetic
  }

  @Spec(Spec.Target.MIXEE)
  CommandSpec command;

  @Option(
      names = "--data",
      defaultValue = "auto",
      description =
          "data set: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}, which is CIFAR-10, and"
              + " the synthetic set where CIFAR-10 can be neither found nor downloaded)")
  Kind data;

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "folder with CIFAR-10 in either official layout, or its .tar.gz")
  Path directory;

  @Option(names = "--no-download", description = "never use the network")
  boolean noDownload;

  @Option(
      names = "--subset",
      paramLabel = "N",
      description = "train on the first N images (default: all)")
  Integer subset;

  void check() {
    if (subset != null) {
      Ranges.requireWithin(command, "--subset", subset, 1, 50_000);
    }
  }
}
