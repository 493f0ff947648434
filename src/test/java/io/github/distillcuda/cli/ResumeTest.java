package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.checkpoint.RunLock;
import io.github.distillcuda.failure.ExitCode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code --resume} refuses and what it says then; a refused run can still be resumed. */
class ResumeTest {
  private static final String SMALL =
      "--data synthetic --subset 96 --teacher-widths 4,4,4 --student-widths 2,2,4 --alpha 0.6"
          + " --no-baseline --epochs 2 --teacher-epochs 1 --batch-size 32 --seed 7 --device cpu"
          + " --threads 1";

  @TempDir static Path shared;

  @TempDir Path temporary;

  private Path folder;

  /** Stops after the first step of the teacher. */
  @BeforeAll
  static void stopARun() {
    stop("run " + SMALL, shared.resolve("run"));
  }

  private static void stop(String command, Path folder) {
    new Shell(folder).stopAtOnce(ExitCode.INTERRUPTED).run(command + " --out DIR").exits(130);
  }

  @BeforeEach
  void copy() throws IOException {
    folder = temporary.resolve("run");
    try (var files = Files.walk(shared.resolve("run"))) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(shared.resolve("run").relativize(file)));
      }
    }
  }

  private Outcome begin() {
    return new Shell(folder).run(SMALL + " --out DIR");
  }

  private Outcome resume(String options) {
    return new Shell(folder).run(options + " --resume DIR");
  }

  private void assertRefused(int exitCode, String options, String... says) {
    String err = resume(options).exits(exitCode).err();
    assertThat(err.lines()).hasSize(1);
    assertThat(err).contains(says).doesNotContain("Exception");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --T 4                       | --T: 4.0, the run began with 5.0
          --alpha 0.7                 | --alpha: 0.7, the run began with 0.6
          --epochs 3                  | --epochs: 3, the run began with 2
          --teacher-epochs 2          | --teacher-epochs: 2, the run began with 1
          --batch_size 16             | --batch-size: 16, the run began with 32
          --learning-rate 1e-2        | --lr: 0.01, the run began with 0.001
          --seed 8                    | --seed: 8, the run began with 7
          --teacher-widths 4,4,5      | "hidden":5,"classes":10}, the run began with {
          --student-widths 2,2,5      | "hidden":5,"classes":10}, the run began with {
          --recompute-teacher         | --recompute-teacher: true, the run began with false
          --rename a=b                | --rename: {"a":"b"}, the run began with {}
          --data cifar10              | --data: "cifar10", the run began with "synthetic"
          --subset 64                 | --subset: 64, the run began with 96
          --no-deterministic          | --no-deterministic: false, the run began with true
          --seed 8 --alpha 0.7        | --alpha: 0.7, the run began with 0.6
          """)
  void settingsThatChangedAreRefusedWithTheDifference(String options, String says) {
    assertRefused(2, options, "--resume needs the settings that the run began with; ", says);
  }

  /** It would train other models than were asked for. */
  @Test
  void theRunOfAnotherCommandIsRefusedWithItsCommand() {
    for (String other : List.of("train-teacher", "baseline", "distill")) {
      assertRefused(2, other, "another command began this run; go on with run --resume " + folder);
    }
    folder = temporary.resolve("teacher");
    stop(
        "train-teacher --data synthetic --subset 96 --teacher-widths 4,4,4 --epochs 1"
            + " --batch-size 32 --device cpu --threads 1",
        folder);
    assertRefused(2, "", "go on with train-teacher --resume " + folder);
    assertRefused(2, "baseline", "go on with train-teacher --resume " + folder);
    assertRefused(2, "train-teacher --epochs 2", "--epochs: 2, the run began with 1");
    resume("train-teacher --epochs 1 --threads 1").exits(0);
    assertThat(folder.resolve("teacher.pth")).exists();
  }

  @Test
  void anotherDeviceIsRefusedWithTheDifference() {
    assertRefused(2, "--threads 2", "device: cpu (", " 1 thread), now cpu (", " 2 threads)");
  }

  @Test
  void aConfigurationThatWasEditedIsRefusedWithTheDifference() throws IOException {
    edit("\"alpha\": 0.6", "\"alpha\": 0.5");
    assertRefused(
        2, "--threads 1", "config.json was changed since the run began (alpha: 0.6, now 0.5)");
  }

  /** A checkpoint holds what the run began with, too. */
  @Test
  void aConfigurationThatIsNotWholeIsTakenFromTheCheckpoint() throws IOException {
    Path config = folder.resolve("config.json");
    String whole = Files.readString(config);
    assertRefused(2, "--seed 8", "--seed: 8, the run began with 7");
    edit("\"epochs\": 2,", "");
    assertTakenFromTheCheckpoint("is damaged (run.epochs: nothing, now 0)");
    Files.writeString(config, whole.replace("\"kernels\": \"fused\"", "\"kernels\": \"quick\""));
    assertTakenFromTheCheckpoint("is damaged (kernels: quick)");
    for (byte[] content : List.of(new byte[0], "{".getBytes(), new byte[] {(byte) 0xff, 0})) {
      Files.write(config, content);
      assertTakenFromTheCheckpoint("is damaged (");
    }
    Files.delete(config);
    assertTakenFromTheCheckpoint("is missing");

    resume("--threads 1").exits(0);
    assertThat(config).hasContent(whole);
    assertThat(folder.resolve("student.pth")).exists();
  }

  @Test
  void aConfigurationThatCannotBeReadIsNotCalledDamaged() throws IOException {
    Path config = folder.resolve("config.json");
    Files.delete(config);
    Files.createDirectory(config);
    assertTakenFromTheCheckpoint("cannot be read (Is a directory)");
  }

  private void assertTakenFromTheCheckpoint(String problem) {
    String err = resume("--seed 8").exits(2).err();
    assertThat(err.lines()).hasSize(2);
    assertThat(err)
        .startsWith("distill-cuda: warning: " + folder.resolve("config.json") + " " + problem)
        .contains("; the checkpoint holds the same and is used\n")
        .contains("--seed: 8, the run began with 7");
  }

  @Test
  void withoutAConfigurationAndACheckpointItSaysWhatIsLeft() throws IOException {
    try (var files = Files.list(folder.resolve("checkpoint"))) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.writeString(folder.resolve("config.json"), "");
    assertRefused(
        3,
        "--threads 1",
        "config.json is damaged (not a JSON object), and there is no checkpoint",
        "start a new run with another --out");
    Files.delete(folder.resolve("config.json"));
    assertRefused(
        3, "--threads 1", "no such run to resume (it has no config.json and no checkpoint)");
  }

  /** Its checkpoints are the only trace of it. */
  @Test
  void aRunWithoutItsConfigurationIsNotOverwritten() throws IOException {
    Files.delete(folder.resolve("config.json"));
    assertThat(begin().exits(2).err()).contains("go on with it: --resume");
  }

  private void edit(String before, String after) throws IOException {
    String config = Files.readString(folder.resolve("config.json"));
    assertThat(config).contains(before);
    Files.writeString(folder.resolve("config.json"), config.replace(before, after));
  }

  @Test
  void aRunThatIsRunningNamesItsProcess() {
    try (RunLock lock = RunLock.acquire(folder)) {
      assertThat(lock).isNotNull();
      assertRefused(2, "--threads 1", "this process is running in this folder");
      assertThat(begin().exits(2).err()).contains("this process is running in this folder");
    }
  }

  @Test
  void aDamagedCheckpointIsPassedOverAndSaid() throws IOException {
    resume("--threads 1").exits(0);
    byte[] expected = Files.readAllBytes(folder.resolve("student.pth"));
    folder = temporary.resolve("damaged");
    Files.createDirectories(folder.resolve("checkpoint"));
    Path began = shared.resolve("run");
    Files.copy(began.resolve("config.json"), folder.resolve("config.json"));
    Path checkpoint;
    try (var files = Files.list(began.resolve("checkpoint"))) {
      checkpoint = files.findFirst().orElseThrow();
    }
    Files.copy(checkpoint, folder.resolve("checkpoint").resolve(checkpoint.getFileName()));
    Path damaged = folder.resolve("checkpoint/checkpoint-0000000002.ckpt");
    byte[] cut = Files.readAllBytes(checkpoint);
    Files.write(damaged, List.of(new String(cut, 0, 100, StandardCharsets.ISO_8859_1)));

    Outcome resumed = resume("--quiet --threads 1").exits(0);

    assertThat(resumed.err())
        .startsWith("distill-cuda: warning: passed over " + damaged)
        .hasLineCount(1);
    assertThat(resumed.out()).doesNotContain("passed over");
    assertThat(Files.readAllBytes(folder.resolve("student.pth"))).isEqualTo(expected);
  }

  @Test
  void aRunThatIsDoneIsNotResumedAndItsLastCheckpointsGo() throws IOException {
    Files.writeString(folder.resolve("metrics.json"), "{}");
    assertRefused(2, "--threads 1", "this run is done, its results are in metrics.json");
    assertThat(folder.resolve("checkpoint")).doesNotExist();
  }

  @Test
  void withoutAWholeCheckpointItDoesNotStartAnew() throws IOException {
    try (var files = Files.list(folder.resolve("checkpoint"))) {
      for (Path file : files.toList()) {
        Files.write(file, new byte[500]);
      }
    }
    assertRefused(3, "--threads 1", "no checkpoint can be used (", "nothing was deleted");
    assertThat(folder.resolve("checkpoint")).isNotEmptyDirectory();
  }
}
