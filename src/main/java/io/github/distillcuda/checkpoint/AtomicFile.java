package io.github.distillcuda.checkpoint;

import io.github.distillcuda.failure.DistillException;
import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Writes a file so that at every moment, a power cut included, its name leads to the complete old
 * content or to the complete new one: into a temporary file of the same folder, forced to the disk,
 * renamed over the target, and the folder forced. A failure leaves the old file as it was and
 * removes the temporary one; what a killed process left behind ends in {@code .tmp} and is never
 * read.
 */
public final class AtomicFile {
  private static final int BUFFER_BYTES = 1 << 16;

  /** Matches the names that {@link #temporaryFor} gives. */
  private static final String ABANDONED = "*." + "[0-9a-f]".repeat(16) + ".tmp";

  private final FileCalls calls;

  AtomicFile(FileCalls calls) {
    this.calls = calls;
  }

  /** What a file is to contain. */
  @FunctionalInterface
  public interface Content {
    /** Writes everything to {@code out}, which is buffered; the caller closes it. */
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Creates or replaces {@code target}.
   *
   * @throws DistillException (DISK) if the disk is full, the folder cannot be written, or the
   *     target is something other than a regular file; the target is then unchanged, and complete
   *     even where only the last step, forcing the folder, failed
   */
  public static void write(Path target, Content content) {
    new AtomicFile(new FileCalls()).replace(target, content);
  }

  /**
   * Creates or replaces {@code target} with text in UTF-8.
   *
   * @throws DistillException (DISK) as {@link #write(Path, Content)}
   */
  public static void write(Path target, String text) {
    write(target, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * Writes the content to a temporary file beside {@code target} and removes it, to see whether
   * that can be done.
   *
   * @throws DistillException (DISK) if not
   */
  static void tryToWrite(Path target, Content content) {
    Path temporary = temporaryFor(target);
    try {
      try (OutputStream out = Files.newOutputStream(temporary, StandardOpenOption.CREATE_NEW)) {
        content.writeTo(out);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw DiskFault.writing(target, e);
    }
  }

  /**
   * Removes the temporary files that killed processes left in {@code folder}. Only for a folder
   * that no other process writes to, such as one under a {@link RunLock}.
   *
   * @throws DistillException (DISK) if one cannot be removed
   */
  public static void removeAbandoned(Path folder) {
    try (DirectoryStream<Path> abandoned = Files.newDirectoryStream(folder, ABANDONED)) {
      for (Path file : abandoned) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw DiskFault.writing(folder, e);
    }
  }

  void replace(Path target, Content content) {
    try {
      if (Files.exists(target) && !Files.isRegularFile(target)) {
        throw new FileSystemException(target.toString(), null, "it is not a regular file");
      }
      Path temporary = temporaryFor(target);
      try {
        writeAndForce(temporary, content);
        calls.replace(temporary, target);
      } catch (IOException | RuntimeException | Error e) {
        deleteAfter(e, temporary);
        throw e;
      }
      calls.forceFolder(target.toAbsolutePath().getParent());
    } catch (IOException e) {
      throw DiskFault.writing(target, e);
    }
  }

  private static Path temporaryFor(Path target) {
    // Random and not a process id: in a container each process has the id of the one before.
    String unique = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    return target.resolveSibling(target.getFileName() + "." + unique + ".tmp");
  }

  private void writeAndForce(Path temporary, Content content) throws IOException {
    FileOutputStream file = calls.create(temporary);
    try {
      OutputStream out = new BufferedOutputStream(new CalledStream(calls, file), BUFFER_BYTES);
      content.writeTo(out);
      out.flush();
      calls.force(file);
    } catch (IOException | RuntimeException | Error e) {
      try {
        file.close();
      } catch (IOException closing) {
        e.addSuppressed(closing);
      }
      throw e;
    }
    calls.close(file);
  }

  private void deleteAfter(Throwable failure, Path temporary) {
    try {
      calls.delete(temporary);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  /** A stream whose bytes go through {@link FileCalls}. */
  private static final class CalledStream extends OutputStream {
    private final FileCalls calls;
    private final FileOutputStream file;

    CalledStream(FileCalls calls, FileOutputStream file) {
      this.calls = calls;
      this.file = file;
    }

    @Override
    public void write(int value) throws IOException {
      write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      calls.write(file, bytes, offset, length);
    }
  }
}
