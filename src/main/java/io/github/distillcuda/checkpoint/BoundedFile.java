package io.github.distillcuda.checkpoint;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.failure.Printable;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Reads a whole file into memory, after its size has been checked against what the machine can
 * hold. The readers then work on bytes that can no longer change under them.
 */
final class BoundedFile {
  /** The largest file that is read, 2 GiB less the room some JVMs need for an array's header. */
  static final int MAX_BYTES = Integer.MAX_VALUE - 64;

  /** The file itself, and its elements as float32, which takes twice the space of a 16-bit file. */
  private static final int HEAP_PER_BYTE = 3;

  private BoundedFile() {}

  /**
   * Returns the content of {@code file} as a little-endian heap buffer from position 0.
   *
   * @throws DistillException (DATA) if it is absent, not a regular file, too large or unreadable
   */
  static ByteBuffer read(Path file) {
    return read(file, Runtime.getRuntime().maxMemory());
  }

  static ByteBuffer read(Path file, long heapBytes) {
    try {
      // Asked before opening: opening a pipe would wait for whoever writes to it.
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        String kind = Files.isDirectory(file) ? "is a folder" : "is not a regular file";
        throw invalid(file, kind + "; give a model file", null);
      }
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw invalid(file, "is larger than 2 GiB, the most that is read", null);
      }
      if (HEAP_PER_BYTE * size > heapBytes) {
        throw invalid(
            file,
            "needs more memory than Java may use; start it with java -Xmx" + megabytes(size),
            null);
      }
      // Not a channel, which would copy through a native buffer as large as the file.
      try (InputStream in = new FileInputStream(file.toFile())) {
        byte[] content = new byte[(int) size];
        if (in.readNBytes(content, 0, content.length) != size || in.read() >= 0) {
          throw invalid(file, "changed while it was read; try again", null);
        }
        return ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
      }
    } catch (NoSuchFileException e) {
      throw invalid(file, "there is no such file", e);
    } catch (IOException e) {
      throw invalid(file, "cannot be read: " + Printable.reason(e), e);
    }
  }

  private static String megabytes(long size) {
    return (HEAP_PER_BYTE * size / (1 << 20) + 64) + "m";
  }

  private static DistillException invalid(Path file, String problem, IOException cause) {
    return new DistillException(ExitCode.DATA, Printable.path(file) + ": " + problem, cause);
  }
}
