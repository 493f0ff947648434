package io.github.distillcuda.cli;

import io.github.distillcuda.data.DatasetReport;
import io.github.distillcuda.data.Datasets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The data set on this machine. */
@picocli.CommandLine.Command(
    name = "data",
    description = "Downloads CIFAR-10, says what is there, or writes the synthetic set.")
final class DataCommand extends Command {
  DataCommand(Session session) {
    super(session);
  }

  @Override
  public Integer call() {
    throw Ranges.usage(spec, "data needs one of fetch, verify, synthesize");
  }

  /** Downloads the archive. */
  @picocli.CommandLine.Command(
      name = "fetch",
      description = "Downloads CIFAR-10 into the user's cache folder and checks it.")
  static final class Fetch extends Command {
    @Option(
        names = "--to",
        paramLabel = "DIR",
        description = "another folder, for --data-dir (default: distill-cuda in the cache folder)")
    Path folder;

    Fetch(Session session) {
      super(session);
    }

    @Override
    public Integer call() {
      ConsoleReporter reporter = session.reporter(output);
      Path archive = Datasets.ofUser().fetch(Optional.ofNullable(folder), reporter);
      reporter.result(Map.of("archive", archive.toString()), "CIFAR-10 is in " + archive);
      return 0;
    }
  }

  /** Reads what is there. */
  @picocli.CommandLine.Command(
      name = "verify",
      description = "Reads the CIFAR-10 that a run would use and says what it is.")
  static final class Verify extends Command {
    @Option(
        names = "--data-dir",
        paramLabel = "DIR",
        description = "folder or .tar.gz (default: where a run looks)")
    Path directory;

    Verify(Session session) {
      super(session);
    }

    @Override
    public Integer call() {
      DatasetReport report = Datasets.ofUser().verify(Optional.ofNullable(directory));
      session.reporter(output).result(json(report), String.join("\n", report.lines()));
      return 0;
    }

    /** Gson cannot write a path; everything else it can. */
    private static Map<String, Object> json(DatasetReport report) {
      return Map.of(
          "path", report.path().toString(),
          "form", report.form(),
          "name", report.name(),
          "sha256", report.sha256(),
          "classes", report.classes());
    }
  }

  /** Writes the synthetic set. */
  @picocli.CommandLine.Command(
      name = "synthesize",
      description = "Writes the synthetic set in CIFAR-10's binary layout.")
  static final class Synthesize extends Command {
    @Option(
        names = "--to",
        paramLabel = "DIR",
        required = true,
        description = "the folder to write to")
    Path folder;

    @Option(
        names = "--seed",
        paramLabel = "N",
        defaultValue = "42",
        description = "what the pictures are drawn from (default: ${DEFAULT-VALUE})")
    long seed;

    Synthesize(Session session) {
      super(session);
    }

    @Override
    public Integer call() {
      Datasets.ofUser().synthesize(seed, folder);
      session
          .reporter(output)
          .result(
              Map.of("folder", folder.toString(), "seed", seed),
              "the synthetic set of seed " + seed + " is in " + folder);
      return 0;
    }
  }
}
