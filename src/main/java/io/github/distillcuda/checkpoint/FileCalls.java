package io.github.distillcuda.checkpoint;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * The calls to the operating system that an atomic write is made of, so that tests can let each of
 * them fail.
 *
 * <p>A {@link FileOutputStream} and not a channel: a channel is closed by an interrupt of the
 * calling thread, and a save that has begun must end.
 */
class FileCalls {
  /** Creates a file that must not exist yet. */
  FileOutputStream create(Path file) throws IOException {
    Files.createFile(file);
    return new FileOutputStream(file.toFile());
  }

  void write(FileOutputStream out, byte[] bytes, int offset, int length) throws IOException {
    out.write(bytes, offset, length);
  }

  /** Returns once the content is on the disk itself. */
  void force(FileOutputStream out) throws IOException {
    out.getFD().sync();
  }

  void close(FileOutputStream out) throws IOException {
    out.close();
  }

  /** Puts {@code source} in the place of {@code target} in one step. */
  void replace(Path source, Path target) throws IOException {
    Files.move(source, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Returns once the folder's entries are on the disk: the rename is only then durable. */
  void forceFolder(Path folder) throws IOException {
    boolean interrupted = false;
    while (true) {
      try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
        channel.force(true);
        break;
      } catch (ClosedByInterruptException e) {
        interrupted = Thread.interrupted();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  void delete(Path file) throws IOException {
    Files.deleteIfExists(file);
  }
}
