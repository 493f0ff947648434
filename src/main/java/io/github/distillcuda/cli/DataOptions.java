package io.github.distillcuda.cli;

import io.github.distillcuda.data.DataChoice;
import io.github.distillcuda.data.DataListener;
import io.github.distillcuda.data.DataRequest;
import io.github.distillcuda.data.Datasets;
import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.train.RunConfig;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import picocli.CommandLine.Option;

/** Which images to train on and where they are. */
final class DataOptions {
  @Option(
      names = "--data",
      paramLabel = "SET",
      defaultValue = "auto",
      description =
          "data set: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}, which is CIFAR-10, and"
              + " the synthetic set where CIFAR-10 can be neither found nor downloaded)")
  DataChoice data;

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "folder with CIFAR-10 in either official layout, or its .tar.gz")
  Path directory;

  @Option(names = "--no-download", description = "never use the network")
  boolean noDownload;

  /** Opens all of what the options ask for. */
  ImageDataset open(long seed, DataListener listener) {
    return open(data, directory, null, seed, listener);
  }

  /** Opens what a run asks for, which may be a resumed one with options of its own. */
  ImageDataset open(RunConfig config, DataListener listener) {
    return open(
        config.data(),
        directory != null || config.dataDirectory() == null
            ? directory
            : Path.of(config.dataDirectory()),
        config.subset(),
        config.seed(),
        listener);
  }

  private ImageDataset open(
      DataChoice choice, Path from, Integer subset, long seed, DataListener listener) {
    DataRequest request =
        new DataRequest(
            choice,
            Optional.ofNullable(from),
            !noDownload,
            subset == null ? OptionalInt.empty() : OptionalInt.of(subset),
            seed);
    return Datasets.ofUser().open(request, listener);
  }
}
