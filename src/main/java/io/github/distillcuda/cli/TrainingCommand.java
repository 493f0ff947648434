package io.github.distillcuda.cli;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.train.DistillationRun;
import io.github.distillcuda.train.ModelRole;
import io.github.distillcuda.train.RunConfig;
import io.github.distillcuda.train.RunFolder;
import io.github.distillcuda.train.RunMetrics;
import io.github.distillcuda.train.RunSnapshot;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import picocli.CommandLine.Mixin;

/** The commands that train; which models, and from which teacher, is what sets them apart. */
abstract class TrainingCommand extends Command {
  /** Ends that are no fault of the run: its checkpoint is as good as before. */
  private static final Set<ExitCode> RESUMABLE =
      EnumSet.of(ExitCode.DEVICE, ExitCode.DEVICE_MEMORY, ExitCode.DISK);

  @Mixin TrainingOptions training;
  @Mixin DataOptions data;
  @Mixin DeviceOptions device;

  TrainingCommand(Session session) {
    super(session);
  }

  /** Returns the models to train, in order. */
  abstract Set<ModelRole> models();

  /** Returns the options on where the teacher comes from; null where there is no teacher. */
  TeacherOptions teacher() {
    return null;
  }

  @Override
  public Integer call() {
    training.check();
    data.check();
    device.check();
    ConsoleReporter reporter = session.reporter(output);
    RunMetrics metrics = training.resume == null ? start(reporter) : resume(reporter);
    reporter.result(metrics, ResultTable.format(metrics));
    return 0;
  }

  private RunMetrics start(ConsoleReporter reporter) {
    Path root = training.out != null ? training.out : Path.of("runs", timestamp());
    RunFolder.requireUsable(root);
    ModelFile file = teacherFile(training.teacher());
    RunConfig config = config(file);
    device.requirePresent(session);
    try (DatasetOpening opening = opening(config, reporter);
        Backend backend = device.open(session, reporter::line)) {
      ImageDataset images = opening.result();
      try (RunFolder folder = RunFolder.create(root)) {
        announce(reporter, backend, config, folder);
        List<NamedArray> parameters = file == null ? null : file.parameters();
        return sayingWhatIsSaved(
            folder, () -> run(backend, config, images, folder, reporter).execute(parameters));
      }
    }
  }

  private RunMetrics resume(ConsoleReporter reporter) {
    try (RunFolder folder = RunFolder.open(training.resume)) {
      RunConfig config = folder.config();
      ResumedSettings.requireSame(spec, config(teacherFile(config.teacher())), config);
      device.requirePresent(session, config);
      Optional<RunSnapshot> snapshot = folder.newestSnapshot(reporter::important);
      try (DatasetOpening opening = opening(config, reporter);
          Backend backend = device.open(session, reporter::line, config)) {
        ImageDataset images = opening.result();
        announce(reporter, backend, config, folder);
        if (snapshot.isPresent()) {
          return sayingWhatIsSaved(
              folder, () -> run(backend, config, images, folder, reporter).resume(snapshot.get()));
        }
        reporter.important("the run ended before its first checkpoint; it starts anew");
        ModelFile file = config.teacherFile() == null ? null : teacherFileOf(config);
        List<NamedArray> parameters = file == null ? null : file.parameters();
        return sayingWhatIsSaved(
            folder, () -> run(backend, config, images, folder, reporter).execute(parameters));
      }
    }
  }

  /**
   * A run that lost its device or its disk can go on once that is mended; so says its last line.
   */
  private static RunMetrics sayingWhatIsSaved(RunFolder folder, Supplier<RunMetrics> run) {
    try {
      return run.get();
    } catch (DistillException e) {
      if (!RESUMABLE.contains(e.exitCode())) {
        throw e;
      }
      String saved =
          folder
              .lastCheckpoint()
              .map(
                  file -> "; saved up to %s, go on with --resume %s".formatted(file, folder.root()))
              .orElse("");
      throw new DistillException(e.exitCode(), e.getMessage() + saved, e);
    }
  }

  private DatasetOpening opening(RunConfig config, ConsoleReporter reporter) {
    return new DatasetOpening(() -> data.open(config, reporter));
  }

  /** Reads the teacher that a run began with. */
  private static ModelFile teacherFileOf(RunConfig config) {
    Path path = Path.of(config.teacherFile());
    ModelFile file = ModelFile.read(path, config.teacherRenames(), config.teacher());
    if (!file.sha256().equals(config.teacherSha256())) {
      throw new DistillException(
          ExitCode.DATA, path + " has changed since the run began; put the old file back");
    }
    return file;
  }

  private DistillationRun run(
      Backend backend,
      RunConfig config,
      ImageDataset images,
      RunFolder folder,
      ConsoleReporter reporter) {
    return new DistillationRun(
        backend, config, images, folder, reporter, session.stop(), training.saveEvery);
  }

  private static void announce(
      ConsoleReporter reporter, Backend backend, RunConfig config, RunFolder folder) {
    BackendInfo info = backend.info();
    reporter.line(
        "computing in %s on %s: layers %s, loss %s, engine %s"
            .formatted(
                info.precision(), info.device(), info.layers(), info.kernels(), info.engine()));
    if (config.models().contains(ModelRole.STUDENT)) {
      double t = config.temperature();
      reporter.line(
          "loss = %s*%s*KL(teacher||student, T=%s) + %s*CE"
              .formatted(
                  Ranges.plain(config.alpha()),
                  Ranges.plain(t * t),
                  Ranges.plain(t),
                  Ranges.plain(1 - config.alpha())));
    }
    reporter.line("run folder: " + folder.root());
  }

  private RunConfig config(ModelFile file) {
    BackendOptions options = device.options();
    return new RunConfig(
        models(),
        training.temperature,
        training.alpha,
        training.epochs,
        training.teacherEpochs,
        training.batchSize,
        training.learningRate,
        training.seed,
        training.teacher(),
        training.student(),
        file == null ? null : file.path(),
        file == null ? null : file.sha256(),
        teacher() == null ? Map.of() : teacher().renames,
        teacher() != null && teacher().recompute,
        data.data.name().toLowerCase(Locale.ROOT),
        data.directory == null ? null : data.directory.toAbsolutePath().toString(),
        data.subset,
        !device.noDeterministic,
        options.kernels().toString(),
        options.layers().toString(),
        options.precision().toString(),
        options.engine().toString());
  }

  private ModelFile teacherFile(Architecture architecture) {
    return teacher() == null || teacher().file == null
        ? null
        : ModelFile.read(teacher().file, teacher().renames, architecture);
  }

  private static String timestamp() {
    return LocalDateTime.now()
        .format(DateTimeFormatter.ofPattern("yyyy-MM-dd-HHmmss", Locale.ROOT));
  }
}
