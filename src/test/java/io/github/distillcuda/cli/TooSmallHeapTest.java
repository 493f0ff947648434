package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.train.StopSignal;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Fewer images are advised to those alone who may choose how many. */
class TooSmallHeapTest {
  private static final String SMALL =
      "baseline --data synthetic --subset 96 --student-widths 2,2,4 --device cpu";

  private static final Session.Devices EXHAUSTING =
      (request, options, note) -> {
        throw new OutOfMemoryError("Java heap space");
      };

  @TempDir Path temporary;

  private String errorOf(String command, Session.Devices devices, StopSignal stop, int exitCode) {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    PrintStream errors = new PrintStream(err, true, StandardCharsets.UTF_8);
    String[] words = command.replace("DIR", temporary.toString()).split(" ");
    assertThat(Cli.run(new Session(out, errors, false, stop, devices), words))
        .as(() -> err.toString(StandardCharsets.UTF_8))
        .isEqualTo(exitCode);
    return err.toString(StandardCharsets.UTF_8);
  }

  private String errorOf(String command) {
    return errorOf(command, EXHAUSTING, new StopSignal(), 3);
  }

  @Test
  void aTrainingThatBeginsMayTakeFewerImages() {
    assertThat(errorOf(SMALL + " --out DIR/run"))
        .endsWith("start it with java -Xmx1g, or train on fewer images with --subset\n");
  }

  @Test
  void anotherCommandHasNoImagesToLeaveOut() {
    assertThat(errorOf("info")).endsWith("start it with java -Xmx1g\n");
  }

  @Test
  void aRunThatGoesOnMustHaveItsImages() {
    StopSignal stop = new StopSignal();
    stop.request(ExitCode.INTERRUPTED);
    errorOf(SMALL + " --out DIR/run", Session.Devices.ofMachine(), stop, 130);
    assertThat(errorOf("baseline --resume DIR/run")).endsWith("start it with java -Xmx1g\n");
  }
}
