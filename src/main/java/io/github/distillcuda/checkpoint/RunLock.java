package io.github.distillcuda.checkpoint;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.failure.Printable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * Keeps a second run out of a run folder: a lock of the operating system on {@code .lock} in it,
 * which ends with the process however that ends. The file stays behind, empty, where the run left
 * anything else in the folder. A folder that was made for a run that left nothing goes with it.
 */
public final class RunLock implements AutoCloseable {
  private static final String NAME = ".lock";

  /**
   * The folders this process holds. Asked first, because to open and close a locked file a second
   * time would release the lock of the whole process.
   */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path folder;
  private final List<Path> made;
  private final FileChannel channel;

  private RunLock(Path folder, List<Path> made, FileChannel channel) {
    this.folder = folder;
    this.made = made;
    this.channel = channel;
  }

  /**
   * Creates the folder where absent and takes its lock.
   *
   * @throws DistillException (USAGE) naming the process that holds it; (DISK) if the folder cannot
   *     be written
   */
  public static RunLock acquire(Path folder) {
    List<Path> made = OutputFolder.create(folder);
    try {
      Path real = folder.toRealPath();
      if (!HELD.add(real)) {
        throw held(folder, "this process");
      }
      try {
        return new RunLock(real, made, lock(real));
      } catch (IOException | RuntimeException e) {
        HELD.remove(real);
        OutputFolder.removeEmpty(made);
        throw e;
      }
    } catch (IOException e) {
      throw DiskFault.writing(folder.resolve(NAME), e);
    }
  }

  /**
   * Checks that no process is running in a folder that exists.
   *
   * @throws DistillException as {@link #acquire}
   */
  public static void requireFree(Path folder) {
    acquire(folder).close();
  }

  private static FileChannel lock(Path folder) throws IOException {
    Path file = folder.resolve(NAME);
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock();
      if (lock == null) {
        String pid = Files.readString(file, StandardCharsets.ISO_8859_1).strip();
        throw held(folder, pid.matches("[0-9]{1,10}") ? "process " + pid : "another process");
      }
      byte[] pid = Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII);
      channel.truncate(0).write(ByteBuffer.wrap(pid));
      if (!Files.exists(file)) {
        throw held(folder, "another process"); // which removed the file before it let go of it
      }
      return channel;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static DistillException held(Path folder, String holder) {
    return new DistillException(
        ExitCode.USAGE,
        "%s: %s is running in this folder; stop it or choose another folder with --out"
            .formatted(Printable.path(folder), holder));
  }

  /**
   * Releases the lock, and removes the folders that were made for it where nothing else is in them.
   * Closing again does nothing.
   */
  @Override
  public void close() {
    if (!channel.isOpen()) {
      return;
    }
    try (channel) {
      if (!made.isEmpty() && isAlone()) {
        // While it is locked: who opens it now is refused, and who opens it later makes another.
        Files.delete(folder.resolve(NAME));
        OutputFolder.removeEmpty(made);
      } else {
        channel.truncate(0);
      }
    } catch (IOException e) {
      throw DiskFault.writing(folder.resolve(NAME), e);
    } finally {
      HELD.remove(folder);
    }
  }

  private boolean isAlone() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.allMatch(file -> file.endsWith(NAME));
    }
  }
}
