package io.github.distillcuda.train;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.github.distillcuda.checkpoint.AtomicFile;
import io.github.distillcuda.checkpoint.CheckpointFolder;
import io.github.distillcuda.checkpoint.ModelFiles;
import io.github.distillcuda.checkpoint.OutputFolder;
import io.github.distillcuda.checkpoint.RunLock;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.tensor.NamedArray;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The folder of one run: {@code config.json}, {@code history.csv}, {@code metrics.json}, a model
 * file in both formats for each model, and {@code checkpoint/} while the run is not done. Held by
 * one process at a time; every file is replaced atomically.
 */
public final class RunFolder implements AutoCloseable {
  private static final String CONFIG = "config.json";
  private static final String HISTORY = "history.csv";
  private static final String METRICS = "metrics.json";
  private static final String CHECKPOINT = "checkpoint";
  private static final String NAN_DUMP = "nan-dump";
  private static final Gson GSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  private final Path root;
  private final boolean isNew;
  private final RunLock lock;
  private CheckpointFolder checkpoints;

  private RunFolder(Path root, boolean isNew) {
    this.root = root;
    this.isNew = isNew;
    this.lock = RunLock.acquire(root);
    AtomicFile.removeAbandoned(root);
  }

  /**
   * Checks that a new run may go there, before anything costs time; makes nothing.
   *
   * @throws DistillException USAGE if it holds a run already, with the process that is at it if one
   *     is; DISK if it cannot be written
   */
  public static void requireUsable(Path root) {
    if (Files.exists(root.resolve(CONFIG)) || hasCheckpoints(root)) {
      RunLock.requireFree(root);
      throw new DistillException(
          ExitCode.USAGE,
          isDone(root)
              ? "%s holds a run that is done, its results are in %s; choose another --out"
                  .formatted(root, METRICS)
              : "%s holds a run already; choose another --out, or go on with it: --resume %s"
                  .formatted(root, root));
    }
    for (String name : resultFiles()) {
      if (Files.exists(root.resolve(name))) {
        throw new DistillException(
            ExitCode.USAGE,
            root.resolve(name) + " exists and is left as it is; choose another --out");
      }
    }
    requireWritable(root);
  }

  /**
   * Checks that a folder can be made or written there; makes nothing.
   *
   * @throws DistillException DISK if not
   */
  public static void requireWritable(Path root) {
    Path existing = root.toAbsolutePath().normalize();
    while (!Files.exists(existing)) {
      existing = existing.getParent();
    }
    if (!Files.isDirectory(existing) || !Files.isWritable(existing)) {
      throw new DistillException(
          ExitCode.DISK,
          "%s: cannot be written (%s is %s); choose another --out"
              .formatted(
                  root, existing, Files.isDirectory(existing) ? "read-only" : "not a folder"));
    }
  }

  /**
   * Makes the folder of a new run.
   *
   * @throws DistillException USAGE if it holds a run already; DISK if it cannot be written
   */
  public static RunFolder create(Path root) {
    requireUsable(root);
    return new RunFolder(root, true);
  }

  /**
   * Makes the folder of a new run under a name that nobody chose: with -2, -3 and so on behind it
   * where another run, as one that began in the same second, has the folder.
   *
   * @throws DistillException DISK if it cannot be written
   */
  public static RunFolder createNumbered(Path name) {
    Path root = name;
    for (int next = 2; ; next++) {
      try {
        return create(root);
      } catch (DistillException e) {
        if (e.exitCode() != ExitCode.USAGE) {
          throw e;
        }
      }
      root = name.resolveSibling(name.getFileName() + "-" + next);
    }
  }

  /**
   * Opens the folder of a run that did not finish.
   *
   * @throws DistillException DATA if there is no run; USAGE if it is done or another process is at
   *     it
   */
  public static RunFolder open(Path root) {
    if (!Files.isRegularFile(root.resolve(CONFIG)) && !hasCheckpoints(root)) {
      throw new DistillException(
          ExitCode.DATA,
          "%s: no such run to resume (it has no %s and no checkpoint)".formatted(root, CONFIG));
    }
    if (isDone(root)) {
      removeCheckpointsOfDone(root);
      throw new DistillException(
          ExitCode.USAGE, root + ": this run is done, its results are in " + METRICS);
    }
    return new RunFolder(root, false);
  }

  /** A process that was killed after it wrote the metrics has left the checkpoints beside them. */
  private static void removeCheckpointsOfDone(Path root) {
    try (RunFolder done = new RunFolder(root, false)) {
      if (Files.isDirectory(root.resolve(CHECKPOINT))) {
        done.removeCheckpoints();
      }
    }
  }

  /** Returns whether the folder was made for a new run, and not opened to go on with an old one. */
  boolean isNew() {
    return isNew;
  }

  /** Returns where the folder is. */
  public Path root() {
    return root;
  }

  /**
   * Returns the configuration that the run began with: that of {@code config.json}; where this is
   * missing, damaged or unreadable, that of a checkpoint, which holds it too.
   *
   * @param snapshot where the run can go on
   * @param note receives a line if the file cannot be used
   * @throws DistillException DATA if it cannot and there is no checkpoint
   */
  public RunConfig config(Optional<RunSnapshot> snapshot, Consumer<String> note) {
    Path file = root.resolve(CONFIG);
    String problem;
    try {
      JsonElement json = JsonParser.parseString(Files.readString(file));
      if (json.isJsonObject()) {
        return RecordJson.read(json, ConfigFile.class).run();
      }
      problem = "is damaged (not a JSON object)";
    } catch (NoSuchFileException e) {
      problem = "is missing";
    } catch (AccessDeniedException e) {
      problem = "cannot be read (permission denied)";
    } catch (CharacterCodingException e) {
      problem = "is damaged (not text)";
    } catch (IOException e) {
      problem = "cannot be read (%s)".formatted(e.getMessage());
    } catch (JsonParseException e) {
      problem = "is damaged (%s)".formatted(reason(e));
    }
    if (snapshot.isEmpty()) {
      throw new DistillException(
          ExitCode.DATA,
          "%s %s, and there is no checkpoint, which would hold the same; put it right, or start a"
                  .formatted(file, problem)
              + " new run with another --out");
    }
    note.accept("%s %s; the checkpoint holds the same and is used".formatted(file, problem));
    return snapshot.get().state().config();
  }

  /** Gson puts the name of an exception before the reason that it passes on. */
  private static String reason(JsonParseException e) {
    String reason = (e.getCause() == null ? e : e.getCause()).getMessage();
    return reason.lines().findFirst().orElse("");
  }

  /**
   * Returns where the run can go on; nothing where it ended before its first checkpoint.
   *
   * @param note receives a line for each damaged checkpoint that is passed over
   * @throws DistillException DATA if there are checkpoints and none can be used
   */
  public Optional<RunSnapshot> newestSnapshot(Consumer<String> note) {
    return checkpoints()
        .newest()
        .map(
            found -> {
              found.skipped().forEach(skipped -> note.accept("passed over " + skipped));
              return RunSnapshot.of(found);
            });
  }

  /** Opened when first needed: a run that ends before has nothing there that could be resumed. */
  private CheckpointFolder checkpoints() {
    if (checkpoints == null) {
      checkpoints = CheckpointFolder.open(root.resolve(CHECKPOINT));
    }
    return checkpoints;
  }

  /** Returns the names of the files that a run leaves, but for its configuration. */
  private static List<String> resultFiles() {
    List<String> names = new ArrayList<>(List.of(METRICS, HISTORY));
    for (ModelRole role : ModelRole.values()) {
      names.add(role + ".safetensors");
      names.add(role + ".pth");
    }
    return names;
  }

  /** Checks that the disk has room for two checkpoints of so many bytes and takes one. */
  void requireSpace(long checkpointBytes) {
    OutputFolder.requireSpace(root, 2 * checkpointBytes);
    OutputFolder.tryToWrite(root, checkpointBytes);
  }

  /** Saves where the run is. */
  void save(RunSnapshot snapshot) {
    checkpoints().save(snapshot.sequence(), snapshot.toCheckpoint());
  }

  /**
   * Returns the checkpoint that was saved last, or that the run was resumed from; none once the run
   * is done, which cannot be resumed.
   */
  public Optional<Path> lastCheckpoint() {
    return checkpoints == null || isDone(root) ? Optional.empty() : checkpoints.last();
  }

  private static boolean hasCheckpoints(Path root) {
    return CheckpointFolder.holdsAny(root.resolve(CHECKPOINT));
  }

  /**
   * Checks that a run without a checkpoint may be begun again.
   *
   * @throws DistillException USAGE if a model is done, which would be replaced
   */
  public void requireNoModel() {
    for (ModelRole role : ModelRole.values()) {
      if (Files.exists(root.resolve(role + ".safetensors"))) {
        throw new DistillException(
            ExitCode.USAGE,
            "%s: the %s is done, but there is no checkpoint to go on from (--device reference keeps"
                    .formatted(root, role)
                + " none); start a new run with another --out");
      }
    }
  }

  private static boolean isDone(Path root) {
    return Files.exists(root.resolve(METRICS));
  }

  /**
   * Writes what a step had computed when it met a NaN or an infinity, and leaves what earlier ones
   * left.
   *
   * @return where it is
   */
  Path dump(NonFiniteState state) {
    Path file = root.resolve(NAN_DUMP + ".safetensors");
    for (int more = 2; Files.exists(file); more++) {
      file = root.resolve("%s-%d.safetensors".formatted(NAN_DUMP, more));
    }
    ModelFiles.write(file, state.arrays(), state.description());
    return file;
  }

  /**
   * Deletes the checkpoints: the run is done.
   *
   * @throws DistillException DISK if that fails; it says that the results are there
   */
  void removeCheckpoints() {
    try {
      checkpoints().remove();
    } catch (DistillException e) {
      throw new DistillException(
          e.exitCode(),
          "%s; the run is done, its results are in %s, and what is left of %s may be deleted"
              .formatted(e.getMessage(), root.resolve(METRICS), root.resolve(CHECKPOINT)),
          e);
    }
  }

  void writeConfig(ConfigFile config) {
    write(CONFIG, RecordJson.text(config));
  }

  void writeHistory(List<EpochRecord> history) {
    write(HISTORY, HistoryFile.format(history));
  }

  void writeMetrics(RunMetrics metrics) {
    write(METRICS, GSON.toJson(metrics) + "\n");
  }

  /** Writes a model's parameters as {@code .safetensors} and {@code .pth}. */
  void writeModel(ModelRole role, List<NamedArray> parameters) {
    ModelFiles.write(root.resolve(role + ".safetensors"), parameters);
    ModelFiles.write(root.resolve(role + ".pth"), parameters);
  }

  private void write(String name, String content) {
    AtomicFile.write(root.resolve(name), content);
  }

  /** Lets go of the folder, and removes it where it was made for a run that left nothing. */
  @Override
  public void close() {
    lock.close();
  }
}
