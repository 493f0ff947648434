package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.github.distillcuda.failure.ExitCode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The commands as a user meets them, on few drawn pictures and small networks. */
class CliRunTest {
  private static final String FEW =
      " --data synthetic --subset 160 --batch-size 32 --device cpu --threads 1";
  private static final String TEACHER = FEW + " --teacher-widths 8,12,16 --epochs 1";
  private static final String STUDENT = FEW + " --student-widths 4,6,8 --epochs 2";
  private static final String ALL = STUDENT + " --teacher-widths 8,12,16 --teacher-epochs 1";

  @TempDir Path temporary;

  private Outcome run(String command) {
    return new Shell(temporary).run(command);
  }

  /** The first step is enough to hear what is said before. */
  private Outcome begin(String command) {
    return new Shell(temporary).stopAtOnce(ExitCode.INTERRUPTED).run(command).exits(130);
  }

  @Test
  void aRunAndEverythingThatCanBeDoneWithItsFiles() throws Exception {
    assertThat(run("--T 5 --out DIR/run" + ALL).exits(0).out())
        .contains("loss = 0.7*25*KL(teacher||student, T=5) + 0.3*CE")
        .contains("student  epoch  2  loss ")
        .contains("vs baseline")
        .contains("one seed: not a conclusion.");

    JsonObject eval =
        run("eval --model DIR/run/student.pth --json --data synthetic --device cpu")
            .exits(0)
            .json();
    JsonObject metrics =
        JsonParser.parseString(Files.readString(temporary.resolve("run/metrics.json")))
            .getAsJsonObject();
    assertThat(eval.get("accuracy").getAsDouble())
        .isEqualTo(
            metrics
                .getAsJsonObject("models")
                .getAsJsonObject("student")
                .get("lastTestAccuracy")
                .getAsDouble());
    assertThat(eval.get("precision").getAsString()).isEqualTo("fp32");
    assertThat(eval.get("device").getAsString()).startsWith("cpu (oneDNN ");
    String quiet =
        run("eval --model DIR/run/student.pth --data synthetic --device cpu --quiet")
            .exits(0)
            .out();
    assertThat(quiet.lines().findFirst().orElseThrow())
        .endsWith("computed in fp32 on " + eval.get("device").getAsString());

    run("export --model DIR/run/teacher.pth --to safetensors --out DIR/t.safetensors").exits(0);
    assertThat(Files.readAllBytes(temporary.resolve("t.safetensors")))
        .isEqualTo(Files.readAllBytes(temporary.resolve("run/teacher.safetensors")));

    run("distill --teacher DIR/run/teacher.pth --out DIR/distilled" + STUDENT).exits(0);
    assertThat(Files.readAllBytes(temporary.resolve("distilled/student.safetensors")))
        .as("a teacher from a file distils as the teacher that was written there")
        .isEqualTo(Files.readAllBytes(temporary.resolve("run/student.safetensors")));
    assertThat(Files.readString(temporary.resolve("distilled/metrics.json")))
        .contains("\"loadedFrom\"");
  }

  @ParameterizedTest
  @CsvSource({
    "cpu, '', false",
    "cpu, --no-deterministic, true",
    "reference, --no-deterministic, false" // loops on one thread have no choice
  })
  void aRunThatIsNotRepeatableSaysSo(String device, String option, boolean said) {
    String command =
        "baseline --out DIR/once --data synthetic --subset 8 --batch-size 8"
            + " --student-widths 1,1,2 --epochs 2 --device ";
    assertThat(begin(command + device + " " + option).out().lines())
        .filteredOn(line -> line.startsWith("computing in "))
        .singleElement()
        .satisfies(
            line ->
                assertThat(line.endsWith("; not repeatable to the bit (--no-deterministic)"))
                    .as(line)
                    .isEqualTo(said));
  }

  /** The line of an epoch is printed before the epoch is saved. */
  @Test
  void saveEveryLeavesOutTheEpochsBetween() {
    Path folder = temporary.resolve("sparse/checkpoint");
    List<List<String>> saved = new ArrayList<>();
    Shell shell =
        new Shell(temporary)
            .whenPrinted(
                " epoch  ",
                () -> {
                  String[] names = folder.toFile().list();
                  saved.add(names == null ? List.of() : List.of(names));
                });
    String command = "baseline --save-every 2 --out DIR/sparse" + STUDENT;
    shell.run(command.replace("--epochs 2", "--epochs 4")).exits(0);
    List<String> second = List.of("checkpoint-0000000010.ckpt");
    assertThat(saved).containsExactly(List.of(), List.of(), second, second);
  }

  /** Where there is a distillation term. */
  @ParameterizedTest
  @CsvSource({
    "run --no-baseline --T 0.05, true",
    "run --no-baseline --T 0.05 --quiet, true",
    "run --no-baseline --T 0.05 --alpha 0, false",
    "run --no-baseline --T 0.1, false",
    "train-teacher, false"
  })
  void aTemperatureAtWhichSoftTargetsAreLostIsWarnedOf(String command, boolean warned) {
    String small =
        " --out DIR/cold --data synthetic --subset 8 --batch-size 8 --device cpu"
            + " --teacher-widths 1,1,2";
    String err = begin(command + small).err();
    assertThat(err.lines()).hasSize(warned ? 2 : 1);
    assertThat(err.startsWith("distill-cuda: warning: --T 0.05: below 0.1 both softmaxes "))
        .as(err)
        .isEqualTo(warned);
  }

  @Test
  void withJsonStandardOutputCarriesObjectsAlone() throws Exception {
    List<String> lines =
        run("baseline --json --out DIR/json" + STUDENT).exits(0).out().lines().toList();
    assertThat(lines).hasSize(3);
    JsonObject epoch = JsonParser.parseString(lines.getFirst()).getAsJsonObject();
    assertThat(epoch.get("model").getAsString()).isEqualTo("baseline");
    assertThat(JsonParser.parseString(lines.getLast()))
        .isEqualTo(
            JsonParser.parseString(Files.readString(temporary.resolve("json/metrics.json"))));
  }

  @Test
  void trainTeacherCountsTheTeachersEpochs() {
    assertThat(run("train-teacher --out DIR/teacher" + TEACHER).exits(0).out())
        .contains("teacher  epoch  1  loss ")
        .doesNotContain("teacher  epoch  2");
  }

  @Test
  void aTeacherWithOtherNamesIsRefusedWithBothListsUnlessTheyAreRenamed() {
    List<String> layers = List.of("conv1", "conv2", "fc1", "fc2");
    run("train-teacher --out DIR/named" + TEACHER).exits(0);
    String there = "";
    String back = "";
    for (int i = 0; i < layers.size(); i++) {
      for (String kind : List.of(".weight", ".bias")) {
        there += " --rename %s%s=%d%s".formatted(layers.get(i), kind, 3 * i, kind);
        back += " --rename %d%s=%s%s".formatted(3 * i, kind, layers.get(i), kind);
      }
    }
    run("export --model DIR/named/teacher.pth --to pth --out DIR/other.pth" + there).exits(0);
    for (String command :
        List.of(
            "eval --data synthetic --device cpu --model DIR/other.pth",
            "distill --out DIR/d" + STUDENT + " --teacher DIR/other.pth")) {
      String err = run(command).exits(3).err();
      assertThat(err).contains("the shapes fit but the names differ").contains(back.strip());
      assertThat(err.lines()).hasSize(1);
      run(command + back).exits(0);
    }
  }

  @Test
  void verifyAgreesWithPytorchOnTheCpuAndInTheReference() {
    for (String device : List.of("cpu", "reference")) {
      Outcome verified = run("verify --json --device " + device).exits(0);
      JsonObject result = verified.json();
      assertThat(result.get("passed").getAsBoolean()).isTrue();
      JsonArray checks = result.getAsJsonArray("checks");
      assertThat(checks.size()).isEqualTo(22);
      assertThat(result.get("device").getAsString()).startsWith(device);
      assertThat(result.get("precision").getAsString())
          .isEqualTo(device.equals("cpu") ? "fp32" : "fp64");
      assertThat(verified.err().lines())
          .containsExactly(
              "comparing the loss",
              "comparing 3 steps of Adam",
              "comparing 20 steps of distillation");
    }
  }

  @Test
  void verifyAgreesWithPytorchInBfloat16() {
    Outcome verified = run("verify --device cpu --precision bf16");
    assumeTrue(verified.exitCode() != 2, "skipped: " + verified.err());
    String out = verified.exits(0).out();
    assertThat(out).contains("change of fc2.bias").doesNotContain("WRONG");
    assertThat(out.strip()).endsWith(" agrees with PyTorch, computing in bf16");
  }
}
