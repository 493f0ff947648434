package io.github.distillcuda.checkpoint;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.failure.Printable;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The checkpoints of one run: the newest and the one before it, so that a file that turns out to be
 * damaged never costs the run. The caller holds the run's {@link RunLock}.
 */
public final class CheckpointFolder {
  private static final Pattern NAME = Pattern.compile("checkpoint-([0-9]{10})\\.ckpt");
  private static final int KEPT = 2;

  private final Path folder;

  /** Whether what the folder held when it was opened belongs to the run that now writes to it. */
  private boolean resumed;

  private int last = -1;

  private CheckpointFolder(Path folder, boolean resumed) {
    this.folder = folder;
    this.resumed = resumed;
  }

  /**
   * A checkpoint and how it was found.
   *
   * @param sequence the number it was saved under
   * @param file where it is
   * @param checkpoint its content, verified
   * @param skipped what is wrong with the newer ones, newest first: a line each that names the
   *     file, to be told to the person. Nothing deletes them before the next save
   */
  public record Found(int sequence, Path file, RunCheckpoint checkpoint, List<String> skipped) {}

  /**
   * Opens the folder, creating it where absent, and removes what a killed process left unfinished.
   *
   * @throws DistillException (DISK) if it cannot be created or read
   */
  public static CheckpointFolder open(Path folder) {
    OutputFolder.create(folder);
    AtomicFile.removeAbandoned(folder);
    return new CheckpointFolder(folder, files(folder).isEmpty());
  }

  /**
   * Returns whether there are checkpoints, damaged ones included; makes nothing.
   *
   * @throws DistillException (DISK) if the folder cannot be read
   */
  public static boolean holdsAny(Path folder) {
    return Files.isDirectory(folder) && !files(folder).isEmpty();
  }

  /**
   * Returns the newest complete checkpoint, or nothing where none was ever saved.
   *
   * @throws DistillException (DATA) if there are checkpoints but none can be used: the run must not
   *     start from scratch unasked
   */
  public Optional<Found> newest() {
    NavigableMap<Integer, Path> files = files(folder);
    List<String> skipped = new ArrayList<>();
    for (var entry : files.descendingMap().entrySet()) {
      try {
        RunCheckpoint checkpoint = RunCheckpoint.read(entry.getValue());
        resumed = true;
        last = entry.getKey();
        return Optional.of(
            new Found(entry.getKey(), entry.getValue(), checkpoint, List.copyOf(skipped)));
      } catch (DistillException e) {
        skipped.add(e.getMessage());
      }
    }
    if (!skipped.isEmpty()) {
      throw new DistillException(
          ExitCode.DATA,
          "no checkpoint can be used ("
              + String.join("; ", skipped)
              + "); nothing was deleted; start anew in another folder with --out");
    }
    return Optional.empty();
  }

  /**
   * Saves a checkpoint. Once it is on the disk, all but the newest two up to {@code sequence} are
   * deleted, and with them those after it, which {@link #newest()} found unusable.
   *
   * @param sequence grows from save to save, and from the checkpoint resumed from; the same number
   *     again replaces the last one
   * @throws DistillException (DISK) if it cannot be written, and every older one is then as it was;
   *     (USAGE) if the folder holds checkpoints that {@link #newest()} was not asked for
   * @throws IllegalArgumentException if {@code sequence} is smaller than the last
   */
  public void save(int sequence, RunCheckpoint checkpoint) {
    if (!resumed) {
      throw new DistillException(
          ExitCode.USAGE,
          Printable.path(folder)
              + " has checkpoints of an earlier run; continue it with --resume or choose another"
              + " folder with --out");
    }
    if (sequence < last) {
      throw new IllegalArgumentException(sequence + " comes before " + last);
    }
    AtomicFile.write(file(sequence), checkpoint::writeTo);
    last = sequence;
    NavigableMap<Integer, Path> obsolete = files(folder);
    List<Integer> kept =
        obsolete.headMap(sequence, true).descendingKeySet().stream().limit(KEPT).toList();
    kept.forEach(obsolete::remove);
    delete(obsolete);
  }

  /** Returns the checkpoint that was saved or found last. */
  public Optional<Path> last() {
    return last < 0 ? Optional.empty() : Optional.of(file(last));
  }

  private Path file(int sequence) {
    return folder.resolve(String.format(Locale.ROOT, "checkpoint-%010d.ckpt", sequence));
  }

  /**
   * Deletes the checkpoints, and the folder if nothing else is in it: the run is done.
   *
   * @throws DistillException (DISK) if that fails
   */
  public void remove() {
    delete(files(folder));
    try (DirectoryStream<Path> rest = Files.newDirectoryStream(folder)) {
      if (!rest.iterator().hasNext()) {
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw DiskFault.writing(folder, e);
    }
  }

  private static void delete(NavigableMap<Integer, Path> files) {
    for (Path file : files.values()) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        throw DiskFault.writing(file, e);
      }
    }
  }

  private static NavigableMap<Integer, Path> files(Path folder) {
    NavigableMap<Integer, Path> files = new TreeMap<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
      for (Path file : all) {
        Matcher name = NAME.matcher(file.getFileName().toString());
        if (name.matches() && Long.parseLong(name.group(1)) <= Integer.MAX_VALUE) {
          files.put(Integer.parseInt(name.group(1)), file);
        }
      }
    } catch (IOException e) {
      throw DiskFault.writing(folder, e);
    }
    return files;
  }
}
