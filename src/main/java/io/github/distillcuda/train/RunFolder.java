package io.github.distillcuda.train;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.github.distillcuda.checkpoint.AtomicFile;
import io.github.distillcuda.checkpoint.CheckpointFolder;
import io.github.distillcuda.checkpoint.ModelFiles;
import io.github.distillcuda.checkpoint.RunLock;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.tensor.NamedArray;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * The folder of one run: {@code config.json}, {@code history.csv}, {@code metrics.json}, a model
 * file in both formats for each model, and {@code checkpoint/} while the run is not done. Held by
 * one process at a time; every file is replaced atomically.
 */
public final class RunFolder implements AutoCloseable {
  private static final String CONFIG = "config.json";
  private static final String CHECKPOINT = "checkpoint";
  private static final Gson GSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  private final Path root;
  private final RunLock lock;

  private RunFolder(Path root) {
    this.root = root;
    this.lock = RunLock.acquire(root);
  }

  /**
   * Checks that a new run may go there, before anything costs time; makes nothing.
   *
   * @throws DistillException USAGE if it holds a run already; DISK if it cannot be written
   */
  public static void requireUsable(Path root) {
    if (Files.exists(root.resolve(CONFIG)) || Files.exists(root.resolve(CHECKPOINT))) {
      throw new DistillException(
          ExitCode.USAGE,
          root + " holds a run already; choose another --out, or go on with it: --resume " + root);
    }
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
    try {
      Files.createDirectories(root);
    } catch (IOException e) {
      throw new DistillException(
          ExitCode.DISK,
          root + ": cannot make the run folder (" + e + "); choose another --out",
          e);
    }
    return new RunFolder(root);
  }

  /**
   * Opens the folder of a run that did not finish.
   *
   * @throws DistillException DATA if there is no such folder
   */
  public static RunFolder open(Path root) {
    if (!Files.isDirectory(root)) {
      throw new DistillException(ExitCode.DATA, root + ": no such run folder to resume");
    }
    return new RunFolder(root);
  }

  /** Returns where the folder is. */
  public Path root() {
    return root;
  }

  /**
   * Returns where the run can go on.
   *
   * @param note receives a line for each damaged checkpoint that is passed over
   * @throws DistillException DATA if no complete checkpoint is there
   */
  public RunSnapshot newestSnapshot(Consumer<String> note) {
    return RunSnapshot.of(checkpoints().newest(note));
  }

  /** Returns the checkpoints, which are deleted when the run is done. */
  CheckpointFolder checkpoints() {
    return CheckpointFolder.in(root.resolve(CHECKPOINT));
  }

  void writeConfig(Object config) {
    write(CONFIG, GSON.toJson(config) + "\n");
  }

  void writeHistory(List<EpochRecord> history) {
    write("history.csv", HistoryFile.format(history));
  }

  void writeMetrics(RunMetrics metrics) {
    write("metrics.json", GSON.toJson(metrics) + "\n");
  }

  /** Writes a model's parameters as {@code .safetensors} and {@code .pth}. */
  void writeModel(ModelRole role, List<NamedArray> parameters) {
    ModelFiles.write(root.resolve(role + ".safetensors"), parameters);
    ModelFiles.write(root.resolve(role + ".pth"), parameters);
  }

  private void write(String name, String content) {
    AtomicFile.write(root.resolve(name), content.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public void close() {
    lock.close();
  }
}
