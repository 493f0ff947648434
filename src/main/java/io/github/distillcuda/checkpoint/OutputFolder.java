package io.github.distillcuda.checkpoint;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.failure.Printable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A folder that results go to. */
public final class OutputFolder {
  private OutputFolder() {}

  /**
   * Makes sure that {@code folder} is there, creating it and its parents.
   *
   * @return those that were not there before, the innermost first
   * @throws DistillException (DISK) if it cannot be created, as where a file is in the way
   */
  public static List<Path> create(Path folder) {
    List<Path> made = new ArrayList<>();
    for (Path path = folder.toAbsolutePath();
        path != null && Files.notExists(path);
        path = path.getParent()) {
      made.add(path);
    }
    try {
      Files.createDirectories(folder);
      return made;
    } catch (IOException e) {
      throw DiskFault.writing(folder, e);
    }
  }

  /** Removes folders that {@link #create} made, as far as they are empty. */
  static void removeEmpty(List<Path> made) {
    try {
      for (Path folder : made) {
        Files.delete(folder);
      }
    } catch (IOException e) {
      // It holds something by now, as another run's folder, and so do those around it.
    }
  }

  /**
   * Checks that the disk under an existing folder has room, so that a run fails before it has spent
   * hours. A quota does not show here; the first checkpoint meets it.
   *
   * @throws DistillException (DISK) if fewer than {@code bytes} are free
   */
  public static void requireSpace(Path folder, long bytes) {
    try {
      long free = Files.getFileStore(folder).getUsableSpace();
      if (free < bytes) {
        throw new DistillException(
            ExitCode.DISK,
            "%s: the disk has %s free and the run needs %s; free some space or choose another disk"
                .formatted(Printable.path(folder), megabytes(free), megabytes(bytes)));
      }
    } catch (IOException e) {
      throw DiskFault.writing(folder, e);
    }
  }

  /**
   * Writes so many bytes into an existing folder and removes them: what a quota forbids shows here.
   * Nothing is forced to the disk, so this costs milliseconds.
   *
   * @throws DistillException (DISK) if they cannot be written
   */
  public static void tryToWrite(Path folder, long bytes) {
    AtomicFile.tryToWrite(
        folder.resolve("space"),
        out -> {
          byte[] zeros = new byte[1 << 16];
          for (long left = bytes; left > 0; left -= zeros.length) {
            out.write(zeros, 0, (int) Math.min(left, zeros.length));
          }
        });
  }

  private static String megabytes(long bytes) {
    return Math.ceilDiv(bytes, 1L << 20) + " MiB";
  }
}
