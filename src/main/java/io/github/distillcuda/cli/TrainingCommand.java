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
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import picocli.CommandLine.Mixin;

/** The commands that train; which models, and from which teacher, is what sets them apart. */
abstract class TrainingCommand extends Command {
  /** Ends that were asked for. */
  private static final Set<ExitCode> STOPPED =
      EnumSet.of(ExitCode.INTERRUPTED, ExitCode.TERMINATED);

  /** Ends after which the run can go on: its checkpoint is as good as before. */
  private static final Set<ExitCode> RESUMABLE =
      EnumSet.of(
          ExitCode.DEVICE,
          ExitCode.DEVICE_MEMORY,
          ExitCode.DISK,
          ExitCode.INTERRUPTED,
          ExitCode.TERMINATED);

  /** The default. */
  static final int TEACHER_EPOCHS = 10;

  /** A temperature below which softmaxes of usual logits saturate. */
  private static final double COLD = 0.1;

  @Mixin TrainingOptions training;
  @Mixin DataOptions data;
  @Mixin TrainingDeviceOptions device;

  TrainingCommand(Session session) {
    super(session);
  }

  /** Returns the models to train, in order. */
  abstract Set<ModelRole> models();

  /** Returns whether the command trains these models, so that it may go on with their run. */
  boolean trains(Set<ModelRole> models) {
    return models.equals(models());
  }

  /** Returns the loss of the student with a teacher, the defaults where there is none. */
  DistillationOptions distillation() {
    return new DistillationOptions();
  }

  /** Returns how a student is trained, the defaults where there is none. */
  StudentOptions student() {
    return new StudentOptions();
  }

  /** Returns where the student's teacher comes from, the defaults where there is none. */
  TeacherOptions teacher() {
    return new TeacherOptions();
  }

  /** Returns the epochs of the teacher, the default where none is trained. */
  int teacherEpochs() {
    return TEACHER_EPOCHS;
  }

  /** Returns how wide the teacher is, the default where there is none. */
  TeacherWidths teacherWidths() {
    return new TeacherWidths();
  }

  /** Checks the options. */
  void check() {
    training.check();
    device.check();
  }

  @Override
  public Integer call() {
    check();
    ConsoleReporter reporter = session.reporter(output);
    RunMetrics metrics = training.resume == null ? start(reporter) : resume(reporter);
    reporter.result(metrics, ResultTable.format(metrics));
    return 0;
  }

  private RunMetrics start(ConsoleReporter reporter) {
    Path defaultFolder = Path.of("runs", timestamp());
    if (training.out != null) {
      RunFolder.requireUsable(training.out);
    } else {
      RunFolder.requireWritable(defaultFolder);
    }
    ModelFile file = teacherFile();
    RunConfig config = config(file);
    device.requirePresent(session, device.options());
    try (DatasetOpening opening = opening(config, reporter);
        Backend backend = device.open(session, reporter)) {
      ImageDataset images = opening.result();
      try (RunFolder folder =
          training.out != null
              ? RunFolder.create(training.out)
              : RunFolder.createNumbered(defaultFolder)) {
        announce(reporter, backend, config, folder);
        List<NamedArray> parameters = file == null ? null : file.parameters();
        return runOrSayHowToResume(
            folder,
            backend,
            () -> run(backend, config, images, folder, reporter).execute(parameters));
      }
    }
  }

  private RunMetrics resume(ConsoleReporter reporter) {
    try (RunFolder folder = RunFolder.open(training.resume)) {
      Optional<RunSnapshot> snapshot = folder.newestSnapshot(reporter::warning);
      RunConfig config = folder.config(snapshot, reporter::warning);
      requireSameModels(config);
      ResumedSettings.requireSame(spec, config(teacherFile()), config);
      BackendOptions options = device.options(config);
      device.requirePresent(session, options);
      if (snapshot.isEmpty()) {
        folder.requireNoModel();
      }
      try (DatasetOpening opening = opening(config, reporter);
          Backend backend = device.open(session, reporter, options)) {
        ImageDataset images = opening.result();
        announce(reporter, backend, config, folder);
        if (snapshot.isPresent()) {
          return runOrSayHowToResume(
              folder,
              backend,
              () -> run(backend, config, images, folder, reporter).resume(snapshot.get()));
        }
        reporter.warning(
            "the run ended before its first checkpoint; it starts again from the beginning");
        ModelFile file = config.teacherFile() == null ? null : teacherFileOf(config);
        List<NamedArray> parameters = file == null ? null : file.parameters();
        return runOrSayHowToResume(
            folder,
            backend,
            () -> run(backend, config, images, folder, reporter).execute(parameters));
      }
    }
  }

  /** Refuses to go on with the run of another command, which would not train what this one does. */
  private void requireSameModels(RunConfig config) {
    if (!trains(config.models())) {
      throw Ranges.usage(
          spec,
          "--resume %s: another command began this run; go on with %s --resume %s"
              .formatted(training.resume, commandOf(config.models()), training.resume));
    }
  }

  /** Returns the command that trains these models. */
  private static String commandOf(Set<ModelRole> models) {
    if (models.size() > 1) {
      return "run";
    }
    return switch (models.iterator().next()) {
      case TEACHER -> "train-teacher";
      case BASELINE -> "baseline";
      case STUDENT -> "distill";
    };
  }

  /**
   * Runs. Where the run was stopped, or lost its device or its disk, the failure says how to go on
   * with it, or why that cannot be.
   */
  private RunMetrics runOrSayHowToResume(
      RunFolder folder, Backend backend, Supplier<RunMetrics> run) {
    try {
      return run.get();
    } catch (DistillException e) {
      if (!RESUMABLE.contains(e.exitCode())) {
        throw e;
      }
      String otherwise = STOPPED.contains(e.exitCode()) ? nothingSaved(backend) : "";
      throw e.with(
          folder
              .lastCheckpoint()
              .map(
                  file ->
                      "; saved up to %s, go on with %s --resume %s"
                          .formatted(file, commandOf(models()), folder.root()))
              .orElse(otherwise));
    }
  }

  private static String nothingSaved(Backend backend) {
    return DistillationRun.isResumable(backend)
        ? "; there is no checkpoint yet, give the same command again"
        : "; %s keeps no checkpoints, which are in float32, so start a new run"
            .formatted(backend.info().device());
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
        "computing in %s on %s: layers %s, loss %s, engine %s%s"
            .formatted(
                info.precision(),
                info.device(),
                info.layers(),
                info.kernels(),
                info.engine(),
                config.deterministic() || backend.alwaysDeterministic()
                    ? ""
                    : "; not repeatable to the bit (--no-deterministic)"));
    if (config.models().contains(ModelRole.STUDENT)) {
      double t = config.temperature();
      reporter.line(
          "loss = %s*%s*KL(teacher||student, T=%s) + %s*CE"
              .formatted(
                  Ranges.plain(config.alpha()),
                  Ranges.plain(t * t),
                  Ranges.plain(t),
                  Ranges.plain(1 - config.alpha())));
      if (t < COLD && config.alpha() > 0) {
        reporter.warning(
            ("--T %s: below %s both softmaxes are nearly 0 or 1, so that what the teacher says of"
                    + " the other classes is lost, and the distillation term, whose gradient is at"
                    + " most alpha*T, hardly counts; give --T 1 or more")
                .formatted(Ranges.plain(t), Ranges.plain(COLD)));
      }
    }
    reporter.line("run folder: " + folder.root());
  }

  private RunConfig config(ModelFile file) {
    BackendOptions options = device.options();
    return new RunConfig(
        models(),
        distillation().temperature,
        distillation().alpha,
        student().epochs,
        teacherEpochs(),
        training.batchSize,
        training.learningRate,
        training.seed,
        file == null ? teacherWidths().architecture() : file.architecture(),
        student().architecture(),
        file == null ? null : file.path(),
        file == null ? null : file.sha256(),
        teacher().renames,
        teacher().recompute,
        data.data,
        data.directory == null ? null : data.directory.toAbsolutePath().toString(),
        training.subset,
        options.deterministic(),
        options.kernels(),
        options.layers(),
        options.precision(),
        options.engine());
  }

  private ModelFile teacherFile() {
    if (teacher().file == null) {
      return null;
    }
    ModelFile file = ModelFile.inferred(teacher().file, teacher().renames, Architecture.TEACHER);
    teacherWidths().requireSame(file);
    return file;
  }

  private static String timestamp() {
    return LocalDateTime.now()
        .format(DateTimeFormatter.ofPattern("yyyy-MM-dd-HHmmss", Locale.ROOT));
  }
}
