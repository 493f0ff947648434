package io.github.distillcuda.data;

import io.github.distillcuda.data.Cifar10Release.PublishedArchive;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;

/**
 * A download that is not whole yet: {@code NAME.part}, and beside it {@code NAME.part.source}, the
 * address it came from and that server's mark of the version. It never carries the archive's name:
 * only a file whose checksums are right is renamed to it, in one step.
 *
 * <p>Trouble with the disk is a {@link io.github.distillcuda.failure.DistillException} here, so
 * that a full disk is not taken for a failing server.
 */
final class PartialFile implements AutoCloseable {
  private final PublishedArchive archive;
  private final Path target;
  private final Path part;
  private final Path source;
  private OutputStream out;

  /** The partial download of an archive into a folder. */
  PartialFile(Path folder, PublishedArchive archive) {
    this.archive = archive;
    target = folder.resolve(archive.fileName());
    part = folder.resolve(archive.fileName() + ".part");
    source = folder.resolve(archive.fileName() + ".part.source");
  }

  /** Returns the bytes that are there; a file that is too long is thrown away. */
  long byteCount() {
    long size = onDisk(() -> Files.exists(part) ? Files.size(part) : 0L);
    if (size > archive.byteCount()) {
      discard();
      return 0;
    }
    return size;
  }

  /** Returns the mark that {@code address} gave the version that the bytes are of, if it did. */
  Optional<String> validator(URI address) {
    try {
      List<String> lines = Files.readAllLines(source);
      boolean fromThere = lines.size() == 2 && lines.get(0).equals(address.toString());
      return fromThere ? Optional.of(lines.get(1)) : Optional.empty();
    } catch (IOException absentOrGarbled) {
      return Optional.empty(); // resuming works without; the checksums decide in the end
    }
  }

  /** Throws away what is there and starts with a version that {@code address} marks so. */
  void restart(URI address, Optional<String> validator) {
    discard();
    validator.ifPresent(
        mark -> onDisk(() -> Files.write(source, List.of(address.toString(), mark))));
  }

  /** Appends bytes. */
  void write(byte[] buffer, int byteCount) {
    onDisk(
        () -> {
          if (out == null) {
            out = Files.newOutputStream(part, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
          }
          out.write(buffer, 0, byteCount);
          return null;
        });
  }

  /** Throws away what is there. */
  void discard() {
    close();
    onDisk(() -> Files.deleteIfExists(part));
    onDisk(() -> Files.deleteIfExists(source));
  }

  /** Whether size and checksums are those of the archive, by reading the whole file again. */
  boolean isWhole() {
    close();
    return onDisk(() -> archive.isAt(part));
  }

  /** Gives the file the archive's name, once its bytes are on the disk, and returns it. */
  Path complete() {
    return onDisk(
        () -> {
          try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
            channel.force(true);
          }
          Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
          Files.deleteIfExists(source);
          return target;
        });
  }

  /** Closes the file; what was written stays for the next try. */
  @Override
  public void close() {
    OutputStream open = out;
    out = null;
    if (open != null) {
      onDisk(
          () -> {
            open.close();
            return null;
          });
    }
  }

  private interface DiskAction<T> {
    T run() throws IOException;
  }

  private <T> T onDisk(DiskAction<T> action) {
    try {
      return action.run();
    } catch (IOException e) {
      throw DataFault.unwritable(part, e);
    }
  }
}
