package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.checkpoint.ModelFiles;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.nn.InitialWeights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Values that would be taken for others than were meant are refused, and nothing is written. */
class OptionValuesTest {
  @TempDir Path temporary;

  /** No run begins at T = 0, whatever a test finds. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --T 0 --out=                           | option '--out': it is empty
          --T 0 --resume=                        | option '--resume': it is empty
          --T 0 --teacher=                       | option '--teacher': it is empty
          --T 0 --data-dir=                      | option '--data-dir': it is empty
          eval --model= --data synthetic         | option '--model': it is empty
          export --model= --to pth               | option '--model': it is empty
          export --model DIR/m.pth --to pth --out= | option '--out': it is empty
          data fetch --to=                       | option '--to': it is empty
          data verify --data-dir=                | option '--data-dir': it is empty
          data synthesize --to=                  | option '--to': it is empty
          --teacher-widths 5000,5000,60000       | --teacher-widths 5000,5000,60000: each must be a whole number from 1 to 4096
          --student-widths 0,1,2                 | --student-widths 0,1,2: each must be a whole number from 1 to 4096
          --student-widths 1,99999999999999999,2 | each must be a whole number from 1 to 4096
          --student-widths 1,-1,2                | must be three numbers such as 64,128,256
          export --model DIR/m.pth --to safetensors --rename fc1.weight= | --rename fc1.weight=: must be OLD=NEW
          export --model DIR/m.pth --to safetensors --rename =fc1.weight | --rename =fc1.weight: must be OLD=NEW
          export --model DIR/m.pth --to safetensors --rename fc1.weight=a --rename fc1.weight=b | --rename gives fc1.weight a second name, b
          eval --model DIR/m.pth --data synthetic --rename a=fc1.weight --rename a=b | --rename gives a a second name, b
          distill --teacher DIR/m.pth --data synthetic --rename a=                   | --rename a=: must be OLD=NEW
          """)
  void isOneLineThatNamesTheOption(String command, String says) throws IOException {
    Architecture narrow = new Architecture(2, 2, 4, 10);
    ModelFiles.write(temporary.resolve("m.pth"), InitialWeights.draw(narrow, 1));
    String err = new Shell(temporary).run(command).exits(2).err();
    assertThat(err).contains(says);
    assertThat(err.lines()).hasSize(1);
    assertThat(temporary.toFile().list()).containsExactly("m.pth");
  }

  /** NUL stands for what a locale lacks: as an option, and as the file of a run to resume. */
  @Test
  void aPathThatCannotBeExpressedIsNoDefect() throws IOException {
    assertThat(new Shell().run("eval --model a\0b").exits(2).err())
        .contains("option '--model': the path a\\u{000000}b")
        .contains("set LC_ALL=C.UTF-8");

    Shell stopping = new Shell(temporary).stopAtOnce(ExitCode.INTERRUPTED);
    String few =
        "baseline --out DIR/run --data synthetic --subset 8 --batch-size 8 --student-widths 1,1,2"
            + " --device cpu --threads 1";
    stopping.run(few).exits(130);
    Path config = temporary.resolve("run/config.json");
    String without = "\"dataDirectory\": null";
    String text = Files.readString(config);
    assertThat(text).contains(without);
    Files.writeString(config, text.replace(without, "\"dataDirectory\": \"a\\u0000b\""));
    String err = stopping.run("baseline --resume DIR/run").exits(2).err();
    assertThat(err.lines()).hasSize(1);
    assertThat(err).contains("the path a\\u{000000}b").contains("set LC_ALL=C.UTF-8");
  }

  @Test
  void aRunThatIsRefusedForItsBatchLeavesNoFolder() {
    String wide = "--student-widths 4096,1,1 --subset 600 --batch-size 600";
    String command =
        "baseline --data synthetic --device cpu --threads 1 --out DIR/runs/new " + wide;
    assertThat(new Shell(temporary).run(command).exits(2).err()).contains("--batch-size 127 fits");
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void moreThreadsThanProcessorsAreOneLineOfWarning() {
    int many = Runtime.getRuntime().availableProcessors() + 1;
    Outcome warned = new Shell().run("info --device cpu --threads " + many).exits(0);
    assertThat(warned.out()).contains(many + " threads");
    assertThat(warned.err().lines())
        .singleElement()
        .asString()
        .startsWith("distill-cuda: warning: --threads %d is more than the ".formatted(many));
    assertThat(new Shell().run("info --device cpu --threads 1").exits(0).err()).isEmpty();
  }
}
