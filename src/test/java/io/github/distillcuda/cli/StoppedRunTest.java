package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.failure.ExitCode;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The last line of a run that was stopped: where it is saved and how it goes on, or why not. */
class StoppedRunTest {
  private static final String SMALL =
      " --data synthetic --subset 64 --student-widths 1,1,1 --epochs 1 --batch-size 32";

  @TempDir Path temporary;

  private Outcome run(String command) {
    return new Shell(temporary).run(command);
  }

  private Outcome stop(String command, ExitCode reason) {
    return new Shell(temporary).stopAtOnce(reason).run(command);
  }

  @Test
  void saysWhereItIsSavedAndHowItGoesOn() {
    Outcome stopped = stop("baseline --device cpu --out DIR/run" + SMALL, ExitCode.TERMINATED);
    Path folder = temporary.resolve("run");
    assertThat(stopped.exits(143).err())
        .isEqualTo(
            ("distill-cuda: terminated after step 1 of the baseline; saved up to"
                 + " %s/checkpoint/checkpoint-0000000001.ckpt, go on with baseline --resume %s\n")
                .formatted(folder, folder));
  }

  /**
   * Before there is a checkpoint the folder goes too, so that the same command is no second run.
   */
  @Test
  void beforeTheFirstCheckpointTheSameCommandBeginsAgain() {
    String teacher =
        "train-teacher --device cpu --data synthetic --subset 64 --teacher-widths 1,1,1 --epochs 1"
            + " --batch-size 32 --out DIR/teacher";
    run(teacher).exits(0);
    String distill =
        "distill --device cpu --teacher DIR/teacher/teacher.safetensors --out DIR/run" + SMALL;
    assertThat(stop(distill, ExitCode.INTERRUPTED).exits(130).err())
        .isEqualTo(
            "distill-cuda: interrupted while the teacher's logits were computed; there is no"
                + " checkpoint yet, give the same command again\n");
    run(distill).exits(0);
  }

  /** Its numbers are float64, and a checkpoint keeps float32. */
  @Test
  void onADeviceWhoseRunsAreNotSavedItSaysThat() throws Exception {
    String command = "baseline --device reference --out DIR/run" + SMALL;
    assertThat(stop(command, ExitCode.INTERRUPTED).exits(130).err())
        .isEqualTo(
            "distill-cuda: interrupted after step 1 of the baseline; reference (plain Java,"
                + " float64) keeps no checkpoints, which are in float32, so start a new run\n");
    assertThat(temporary.resolve("run/checkpoint")).doesNotExist();

    Files.writeString(temporary.resolve("run/teacher.safetensors"), "done");
    assertThat(run("baseline --device cpu --resume DIR/run").exits(2).err())
        .contains("the teacher is done, but there is no checkpoint to go on from")
        .contains("start a new run with another --out")
        .hasLineCount(1);
  }

  /** The device of a run that can go on is the only one that it goes on with. */
  @Test
  void anotherDeviceIsToldToGiveTheSame() {
    stop("baseline --device cpu --out DIR/run" + SMALL, ExitCode.INTERRUPTED).exits(130);
    assertThat(run("baseline --device reference --resume DIR/run").exits(2).err())
        .contains("; give the same --device, ")
        .hasLineCount(1);
  }
}
