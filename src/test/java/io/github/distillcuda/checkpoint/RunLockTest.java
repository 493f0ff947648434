package io.github.distillcuda.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLockTest {
  @TempDir Path parent;

  /** Another process: takes the lock, says how that went, and holds it until it is killed. */
  static final class Holder {
    private Holder() {}

    @SuppressWarnings("resource") // held until the process ends
    public static void main(String[] arguments) throws IOException {
      try {
        RunLock.acquire(Path.of(arguments[0]));
        say("held");
        System.in.read();
      } catch (DistillException e) {
        say(e.exitCode() + " " + e.getMessage());
      }
    }

    private static void say(String line) {
      System.out.println(line);
    }
  }

  @Test
  void letsOneProcessIn() throws Exception {
    Path folder = parent.resolve("a run");
    Process holder = holder(folder);
    try (BufferedReader said = holder.inputReader()) {
      assertThat(said.readLine()).isEqualTo("held");
      assertThatThrownBy(() -> RunLock.acquire(folder))
          .hasMessage(
              folder
                  + ": process "
                  + holder.pid()
                  + " is running in this folder; stop it or choose another folder with --out")
          .extracting(e -> ((DistillException) e).exitCode())
          .isEqualTo(ExitCode.USAGE);
    } finally {
      holder.destroyForcibly().waitFor();
    }
    // A killed process leaves its number in the file, and no lock.
    assertThat(folder.resolve(".lock")).hasContent(Long.toString(holder.pid()));
    RunLock.acquire(folder).close();
  }

  @Test
  void staysClosedToOthersWhenThisProcessAsksTwice() throws Exception {
    Path folder = Files.createDirectory(parent.resolve("run"));
    Path link = Files.createSymbolicLink(parent.resolve("link"), folder);
    try (RunLock lock = RunLock.acquire(folder)) {
      for (Path again : new Path[] {folder, link, folder.resolve("../run")}) {
        assertThatThrownBy(() -> RunLock.acquire(again))
            .hasMessageContaining(": this process is running in this folder");
      }
      Process second = holder(folder);
      try (BufferedReader said = second.inputReader()) {
        assertThat(said.readLine())
            .isEqualTo(
                "USAGE "
                    + folder
                    + ": process "
                    + ProcessHandle.current().pid()
                    + " is running in this folder; stop it or choose another folder with --out");
      } finally {
        second.destroyForcibly().waitFor();
      }
      assertThat(lock).isNotNull();
    }
  }

  @Test
  void canBeTakenAgain() {
    RunLock lock = RunLock.acquire(parent);
    lock.close();
    try (RunLock again = RunLock.acquire(parent)) {
      lock.close(); // a second time: must not let go what is not its own
      assertThat(parent.resolve(".lock")).isNotEmptyFile();
      assertThatThrownBy(() -> RunLock.acquire(parent)).hasMessageContaining("this process");
      assertThat(again).isNotNull();
    }
    assertThat(parent.resolve(".lock")).isEmptyFile();
  }

  @Test
  void refusesAFolderThatCannotBeWritten() throws IOException {
    Path file = Files.createFile(parent.resolve("file"));
    assertDisk(file, "a file of this name is in the way");
    assertDisk(file.resolve("below"), "Not a directory");
    assertDisk(Path.of("/proc/distill"), "");
    Files.createDirectories(parent.resolve("run/.lock"));
    assertDisk(parent.resolve("run"), "Is a directory");
  }

  private static void assertDisk(Path folder, String reason) {
    assertThatThrownBy(() -> RunLock.acquire(folder))
        .hasMessageStartingWith("cannot write " + folder)
        .hasMessageContaining(reason)
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DISK);
  }

  @Test
  void asksForSpaceAtTheStart() {
    OutputFolder.requireSpace(parent, 1);
    assertThatThrownBy(() -> OutputFolder.requireSpace(parent, Long.MAX_VALUE))
        .hasMessageStartingWith(parent + ": the disk has ")
        .hasMessageContaining(" MiB free and the run needs 8796093022208 MiB; free some space")
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DISK);
  }

  private static Process holder(Path folder) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Holder.class.getName(),
            folder.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }
}
