package io.github.distillcuda.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
  private static final String OLD = "the old content";
  private static final String NEW = "the new content, which is longer";

  @TempDir Path folder;
  private Path target;

  @BeforeEach
  void nameTarget() {
    target = folder.resolve("target");
  }

  /** Lets one call fail: a write after some bytes, any other before it has done anything. */
  private static final class FailingCalls extends FileCalls {
    private int callsLeft;
    private boolean replaced;

    FailingCalls(int callsLeft) {
      this.callsLeft = callsLeft;
    }

    private void count() throws IOException {
      if (callsLeft-- == 0) {
        throw new IOException("No space left on device");
      }
    }

    @Override
    FileOutputStream create(Path file) throws IOException {
      count();
      return super.create(file);
    }

    @Override
    void write(FileOutputStream out, byte[] bytes, int offset, int length) throws IOException {
      for (int i = 0; i < length; i++) {
        count();
        super.write(out, bytes, offset + i, 1);
      }
    }

    @Override
    void force(FileOutputStream out) throws IOException {
      count();
      super.force(out);
    }

    @Override
    void close(FileOutputStream out) throws IOException {
      super.close(out);
      count();
    }

    @Override
    void replace(Path source, Path target) throws IOException {
      count();
      super.replace(source, target);
      replaced = true;
    }

    @Override
    void forceFolder(Path folder) throws IOException {
      count();
      super.forceFolder(folder);
    }
  }

  @Test
  void leavesTheOldOrTheNewContentWhereverItFails() throws IOException {
    // create, every byte, force, close, replace, force the folder
    int calls = 1 + NEW.length() + 4;
    for (int failing = 0; failing <= calls; failing++) {
      Files.writeString(target, OLD);
      FailingCalls faults = new FailingCalls(failing);
      AtomicFile file = new AtomicFile(faults);
      AtomicFile.Content content = out -> out.write(NEW.getBytes(StandardCharsets.UTF_8));
      if (failing == calls) {
        file.replace(target, content);
      } else {
        assertThatThrownBy(() -> file.replace(target, content))
            .hasMessage(
                "cannot write "
                    + target
                    + ": No space left on device; free some space or choose another disk")
            .extracting(e -> ((DistillException) e).exitCode())
            .isEqualTo(ExitCode.DISK);
      }
      assertThat(target).hasContent(faults.replaced ? NEW : OLD);
      assertThat(faults.replaced).isEqualTo(failing >= calls - 1);
      assertThat(folder.toFile().list()).containsExactly("target");
    }
  }

  @Test
  void leavesTheOldContentWhenTheNewOneCannotBeMade() throws IOException {
    Files.writeString(target, OLD);
    assertThatThrownBy(
            () ->
                AtomicFile.write(
                    target,
                    out -> {
                      out.write(new byte[1 << 20]);
                      throw new IllegalStateException("a bug");
                    }))
        .isInstanceOf(IllegalStateException.class);
    assertThat(target).hasContent(OLD);
    assertThat(folder.toFile().list()).containsExactly("target");
  }

  /** The kernel's own full disk. */
  @Test
  void saysThatTheDiskIsFull() throws IOException {
    assumeTrue(new File("/dev/full").exists(), "skipped: this system has no /dev/full");
    Files.writeString(target, OLD);
    AtomicFile file =
        new AtomicFile(
            new FileCalls() {
              @Override
              FileOutputStream create(Path temporary) throws IOException {
                Files.createFile(temporary);
                return new FileOutputStream("/dev/full");
              }
            });
    assertThatThrownBy(() -> file.replace(target, out -> out.write(1)))
        .hasMessageContaining("No space left on device; free some space")
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DISK);
    assertThat(target).hasContent(OLD);
    assertThat(folder.toFile().list()).containsExactly("target");
  }

  /** A small disk of its own: src/test/small_disk.sh mounts one. */
  @Test
  void survivesARealDiskThatIsFull() throws IOException {
    String small = System.getProperty("distill.smallDisk");
    assumeTrue(small != null, "skipped: needs -Ddistill.smallDisk, a disk of about 1 MiB");
    Path full = Path.of(small, "model");
    AtomicFile.write(full, OLD);
    assertThatThrownBy(() -> AtomicFile.write(full, out -> out.write(new byte[64 << 20])))
        .hasMessageContaining("No space left on device; free some space");
    assertThat(full).hasContent(OLD);
    assertThat(full.getParent().toFile().list()).containsExactly("model");
    Files.delete(full);
  }

  @Test
  void finishesWhatItBeganWhenTheThreadIsInterrupted() {
    Thread.currentThread().interrupt();
    AtomicFile.write(target, NEW);
    assertThat(Thread.interrupted()).as("still interrupted").isTrue();
    assertThat(target).hasContent(NEW);
  }

  @Test
  void refusesPlacesThatCannotBeWritten() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), OLD);
    assertRefused(file.resolve("below"), "Not a directory; choose a folder");
    assertRefused(folder.resolve("absent/target"), "there is no such file or folder; choose");
    assertRefused(folder, "it is not a regular file; choose");
    assertRefused(Path.of("/dev/null"), "it is not a regular file; choose");
    assertRefused(Path.of("/proc/target"), "; choose a folder that can be written");
    assertThat(file).hasContent(OLD);
    assertThat(folder.toFile().list()).containsExactly("file");
  }

  private static void assertRefused(Path target, String reason) {
    assertThatThrownBy(() -> AtomicFile.write(target, NEW))
        .hasMessageStartingWith("cannot write " + target + ": ")
        .hasMessageContaining(reason)
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DISK);
  }

  @Test
  void triesToWriteAndLeavesNothing() throws IOException {
    OutputFolder.tryToWrite(folder, (1 << 20) + 7);
    assertThat(folder).isEmptyDirectory();
    Path file = Files.writeString(folder.resolve("file"), OLD);
    assertThatThrownBy(() -> OutputFolder.tryToWrite(file, 1))
        .hasMessageStartingWith("cannot write " + file)
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DISK);
    assertThat(file).hasContent(OLD);
  }

  /** The small disk of {@link #survivesARealDiskThatIsFull}, asked before anything is written. */
  @Test
  void triesToWriteOnARealDiskThatIsFull() {
    String small = System.getProperty("distill.smallDisk");
    assumeTrue(small != null, "skipped: needs -Ddistill.smallDisk, a disk of about 1 MiB");
    assertThatThrownBy(() -> OutputFolder.tryToWrite(Path.of(small), 2 << 20))
        .hasMessageContaining("No space left on device; free some space");
    assertThat(Path.of(small)).isEmptyDirectory();
  }

  @Test
  void writesToAPathWithoutAFolder() throws IOException {
    Path relative = Path.of("atomic-file-test.txt");
    try {
      AtomicFile.write(relative, NEW);
      assertThat(relative).hasContent(NEW);
    } finally {
      Files.deleteIfExists(relative);
    }
  }

  @Test
  void removesWhatAKilledProcessLeftAndNothingElse() throws IOException {
    Files.createFile(folder.resolve("student.pth.0123456789abcdef.tmp"));
    Files.createFile(folder.resolve("notes.tmp"));
    Files.createFile(folder.resolve("student.pth"));
    AtomicFile.removeAbandoned(folder);
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder("notes.tmp", "student.pth");
  }

  /** The pattern must match what is really written, or nothing would ever be removed. */
  @Test
  void removesTheFilesThatItNames() {
    AtomicFile.Content interrupted =
        out -> {
          assertThat(folder.toFile().list()).hasSize(1);
          AtomicFile.removeAbandoned(folder);
          assertThat(folder.toFile().list()).isEmpty();
          throw new IOException("stop here");
        };
    assertThatThrownBy(() -> AtomicFile.write(target, interrupted))
        .hasMessageContaining("stop here");
  }
}
