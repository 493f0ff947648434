package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.train.StopSignal;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The last line of a run that was stopped: where it is saved and how it goes on, or why not. */
class StoppedRunTest {
  private static final String SMALL =
      " --data synthetic --subset 64 --student-widths 1,1,1 --epochs 1 --batch-size 32";

  @TempDir Path temporary;
  private String err;

  private int run(String arguments, StopSignal stop) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Session session =
        new Session(
            new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8),
            new PrintStream(bytes, true, StandardCharsets.UTF_8),
            false,
            stop);
    int exitCode = Cli.run(session, arguments.replace("DIR", temporary.toString()).split(" "));
    err = bytes.toString(StandardCharsets.UTF_8);
    return exitCode;
  }

  private int stop(String arguments, ExitCode code) {
    StopSignal stop = new StopSignal();
    stop.request(code);
    return run(arguments, stop);
  }

  @Test
  void saysWhereItIsSavedAndHowItGoesOn() {
    assertThat(stop("baseline --device cpu --out DIR/run" + SMALL, ExitCode.TERMINATED))
        .as(err)
        .isEqualTo(143);
    Path folder = temporary.resolve("run");
    assertThat(err)
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
    assertThat(run(teacher, new StopSignal())).as(err).isZero();
    String distill =
        "distill --device cpu --teacher DIR/teacher/teacher.safetensors --out DIR/run" + SMALL;
    assertThat(stop(distill, ExitCode.INTERRUPTED)).as(err).isEqualTo(130);
    assertThat(err)
        .isEqualTo(
            "distill-cuda: interrupted while the teacher's logits were computed; there is no"
                + " checkpoint yet, give the same command again\n");
    assertThat(run(distill, new StopSignal())).as(() -> err).isZero();
  }

  /** Its numbers are float64, and a checkpoint keeps float32. */
  @Test
  void onADeviceWhoseRunsAreNotSavedItSaysThat() throws Exception {
    String command = "baseline --device reference --out DIR/run" + SMALL;
    assertThat(stop(command, ExitCode.INTERRUPTED)).as(err).isEqualTo(130);
    assertThat(err)
        .isEqualTo(
            "distill-cuda: interrupted after step 1 of the baseline; reference (plain Java,"
                + " float64) keeps no checkpoints, which are in float32, so start a new run\n");
    assertThat(temporary.resolve("run/checkpoint")).doesNotExist();

    Files.writeString(temporary.resolve("run/teacher.safetensors"), "done");
    assertThat(run("baseline --device cpu --resume DIR/run", new StopSignal())).isEqualTo(2);
    assertThat(err)
        .contains("the teacher is done, but there is no checkpoint to go on from")
        .contains("start a new run with another --out")
        .hasLineCount(1);
  }

  /** The device of a run that can go on is the only one that it goes on with. */
  @Test
  void anotherDeviceIsToldToGiveTheSame() {
    assertThat(stop("baseline --device cpu --out DIR/run" + SMALL, ExitCode.INTERRUPTED))
        .isEqualTo(130);
    assertThat(run("baseline --device reference --resume DIR/run", new StopSignal())).isEqualTo(2);
    assertThat(err).contains("; give the same --device, ").hasLineCount(1);
  }
}
