package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearestNamesTest {
  private static final List<String> OPTIONS =
      List.of(
          "--T",
          "--temperature",
          "--alpha",
          "--epochs",
          "--teacher",
          "--teacher-epochs",
          "--threads",
          "--lr",
          "--no-color",
          "--no-baseline",
          "--no-download",
          "-h");

  private static final List<String> COMMANDS =
      List.of("run", "train-teacher", "distill", "eval", "export", "data", "verify", "bench");

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          --no-baselin,     --no-baseline
          --temprature,     --temperature
          --tempertaure,    --temperature
          --lrr,            --lr
          --aplha,          --alpha
          --ALPHA,          --alpha
          --t,              --T
          --epoch,          --epochs
          --teacherepochs,  --teacher-epochs
          --temp,           --temperature
          --tmep,           --temperature
          --teac,           --teacher --teacher-epochs
          --no-d,           --no-download
          --no,
          --x,
          -x,
          --resnet,
          --student-epochs,
          --teacher-widths,
          """)
  void optionsThatAreNear(String typed, String near) {
    assertThat(NearestNames.of(typed, OPTIONS)).isEqualTo(words(near));
  }

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          trian,        train-teacher
          train,        train-teacher
          train_techer, train-teacher
          distil,       distill
          rnu,          run
          verfiy,       verify
          evla,         eval
          evaluate,     eval
          benchmark,    bench
          exprot,       export
          teleport,
          resnet,
          help,
          x,
          """)
  void commandsThatAreNear(String typed, String near) {
    assertThat(NearestNames.of(typed, COMMANDS)).isEqualTo(words(near));
  }

  /** Of two that are one letter away, either may be meant. */
  @ParameterizedTest
  @CsvSource({"--dat, --data", "--daat, --data", "--rat, --rate --rats"})
  void allThatAreEquallyNear(String typed, String near) {
    assertThat(NearestNames.of(typed, List.of("--rate", "--data", "--rats")))
        .isEqualTo(words(near));
  }

  private static List<String> words(String text) {
    return text == null ? List.of() : List.of(text.split(" "));
  }
}
