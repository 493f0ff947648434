package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.failure.ExitCode;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Fewer images are advised to those alone who may choose how many. */
class TooSmallHeapTest {
  private static final String SMALL =
      "baseline --data synthetic --subset 96 --student-widths 2,2,4 --device cpu";

  @TempDir Path temporary;

  private String errorOf(String command) {
    Session.Devices exhausting =
        (request, options, note) -> {
          throw new OutOfMemoryError("Java heap space");
        };
    return new Shell(temporary).devices(exhausting).run(command).exits(3).err();
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
    Shell stopping = new Shell(temporary).stopAtOnce(ExitCode.INTERRUPTED);
    stopping.run(SMALL + " --out DIR/run").exits(130);
    assertThat(errorOf("baseline --resume DIR/run")).endsWith("start it with java -Xmx1g\n");
  }
}
