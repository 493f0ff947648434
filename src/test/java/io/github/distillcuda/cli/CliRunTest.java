package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.train.StopSignal;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
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

  private String out;
  private String err;

  private int run(String arguments) {
    return run(arguments, new StopSignal());
  }

  private int run(String arguments, StopSignal stop) {
    return run(arguments, stop, new ByteArrayOutputStream());
  }

  private int run(String arguments, StopSignal stop, ByteArrayOutputStream outBytes) {
    ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
    Session session =
        new Session(
            new PrintStream(outBytes, true, StandardCharsets.UTF_8),
            new PrintStream(errBytes, true, StandardCharsets.UTF_8),
            false,
            stop);
    int exitCode =
        Cli.run(session, arguments.replace("DIR", temporary.toString()).trim().split(" +"));
    out = outBytes.toString(StandardCharsets.UTF_8);
    err = errBytes.toString(StandardCharsets.UTF_8);
    return exitCode;
  }

  @Test
  void aRunAndEverythingThatCanBeDoneWithItsFiles() throws Exception {
    assertThat(run("--T 5 --out DIR/run" + ALL)).as(err).isZero();
    assertThat(out)
        .contains("loss = 0.7*25*KL(teacher||student, T=5) + 0.3*CE")
        .contains("student  epoch  2  loss ")
        .contains("vs baseline")
        .contains("one seed: not a conclusion.");

    assertThat(run("eval --model DIR/run/student.pth --json --data synthetic --device cpu"))
        .as(err)
        .isZero();
    JsonObject eval = JsonParser.parseString(out).getAsJsonObject();
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
    assertThat(run("eval --model DIR/run/student.pth --data synthetic --device cpu --quiet"))
        .as(err)
        .isZero();
    assertThat(out.lines().findFirst().orElseThrow())
        .endsWith("computed in fp32 on " + eval.get("device").getAsString());

    assertThat(run("export --model DIR/run/teacher.pth --to safetensors --out DIR/t.safetensors"))
        .as(err)
        .isZero();
    assertThat(Files.readAllBytes(temporary.resolve("t.safetensors")))
        .isEqualTo(Files.readAllBytes(temporary.resolve("run/teacher.safetensors")));

    assertThat(run("distill --teacher DIR/run/teacher.pth --out DIR/distilled" + STUDENT))
        .as(err)
        .isZero();
    assertThat(Files.readAllBytes(temporary.resolve("distilled/student.safetensors")))
        .as("a teacher from a file distils as the teacher that was written there")
        .isEqualTo(Files.readAllBytes(temporary.resolve("run/student.safetensors")));
    assertThat(Files.readString(temporary.resolve("distilled/metrics.json")))
        .contains("\"loadedFrom\"");
  }

  /** The first step is enough to hear it. */
  @ParameterizedTest
  @CsvSource({
    "cpu, '', false",
    "cpu, --no-deterministic, true",
    "reference, --no-deterministic, false" // loops on one thread have no choice
  })
  void aRunThatIsNotRepeatableSaysSo(String device, String option, boolean said) {
    StopSignal stop = new StopSignal();
    stop.request(ExitCode.INTERRUPTED);
    String command =
        "baseline --out DIR/once --data synthetic --subset 8 --batch-size 8"
            + " --student-widths 1,1,2 --epochs 2 --device ";
    assertThat(run(command + device + " " + option, stop)).as(err).isEqualTo(130);
    assertThat(out.lines())
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
    ByteArrayOutputStream watched =
        new ByteArrayOutputStream() {
          @Override
          public synchronized void write(byte[] bytes, int offset, int length) {
            super.write(bytes, offset, length);
            if (new String(bytes, offset, length, StandardCharsets.UTF_8).contains(" epoch  ")) {
              String[] names = folder.toFile().list();
              saved.add(names == null ? List.of() : List.of(names));
            }
          }
        };
    String command = "baseline --save-every 2 --out DIR/sparse" + STUDENT;
    assertThat(run(command.replace("--epochs 2", "--epochs 4"), new StopSignal(), watched))
        .as(err)
        .isZero();
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
    StopSignal stop = new StopSignal();
    stop.request(ExitCode.INTERRUPTED);
    String small =
        " --out DIR/cold --data synthetic --subset 8 --batch-size 8 --device cpu"
            + " --teacher-widths 1,1,2";
    assertThat(run(command + small, stop)).as(err).isEqualTo(130);
    assertThat(err.lines()).hasSize(warned ? 2 : 1);
    assertThat(err.startsWith("distill-cuda: warning: --T 0.05: below 0.1 both softmaxes "))
        .as(err)
        .isEqualTo(warned);
  }

  @Test
  void withJsonStandardOutputCarriesObjectsAlone() throws Exception {
    assertThat(run("baseline --json --out DIR/json" + STUDENT)).as(err).isZero();
    List<String> lines = out.lines().toList();
    assertThat(lines).hasSize(3);
    JsonObject epoch = JsonParser.parseString(lines.getFirst()).getAsJsonObject();
    assertThat(epoch.get("model").getAsString()).isEqualTo("baseline");
    assertThat(JsonParser.parseString(lines.getLast()))
        .isEqualTo(
            JsonParser.parseString(Files.readString(temporary.resolve("json/metrics.json"))));
  }

  @Test
  void trainTeacherCountsTheTeachersEpochs() {
    assertThat(run("train-teacher --out DIR/teacher" + TEACHER)).as(err).isZero();
    assertThat(out).contains("teacher  epoch  1  loss ").doesNotContain("teacher  epoch  2");
  }

  @Test
  void aTeacherWithOtherNamesIsRefusedWithBothListsUnlessTheyAreRenamed() {
    List<String> layers = List.of("conv1", "conv2", "fc1", "fc2");
    assertThat(run("train-teacher --out DIR/named" + TEACHER)).as(err).isZero();
    String there = "";
    String back = "";
    for (int i = 0; i < layers.size(); i++) {
      for (String kind : List.of(".weight", ".bias")) {
        there += " --rename %s%s=%d%s".formatted(layers.get(i), kind, 3 * i, kind);
        back += " --rename %d%s=%s%s".formatted(3 * i, kind, layers.get(i), kind);
      }
    }
    assertThat(run("export --model DIR/named/teacher.pth --to pth --out DIR/other.pth" + there))
        .as(err)
        .isZero();
    for (String command :
        List.of(
            "eval --data synthetic --device cpu --model DIR/other.pth",
            "distill --out DIR/d" + STUDENT + " --teacher DIR/other.pth")) {
      assertThat(run(command)).isEqualTo(3);
      assertThat(err).contains("the shapes fit but the names differ").contains(back.strip());
      assertThat(err.lines()).hasSize(1);
      assertThat(run(command + back)).as(err).isZero();
    }
  }

  @Test
  void verifyAgreesWithPytorchOnTheCpuAndInTheReference() {
    for (String device : List.of("cpu", "reference")) {
      assertThat(run("verify --json --device " + device)).as(out + err).isZero();
      JsonObject result = JsonParser.parseString(out).getAsJsonObject();
      assertThat(result.get("passed").getAsBoolean()).isTrue();
      JsonArray checks = result.getAsJsonArray("checks");
      assertThat(checks.size()).isEqualTo(22);
      assertThat(result.get("device").getAsString()).startsWith(device);
      assertThat(result.get("precision").getAsString())
          .isEqualTo(device.equals("cpu") ? "fp32" : "fp64");
      assertThat(err.lines())
          .containsExactly(
              "comparing the loss",
              "comparing 3 steps of Adam",
              "comparing 20 steps of distillation");
    }
  }

  @Test
  void verifyAgreesWithPytorchInBfloat16() {
    int exitCode = run("verify --device cpu --precision bf16");
    assumeTrue(exitCode != 2, "skipped: " + err);
    assertThat(exitCode).as(out + err).isZero();
    assertThat(out).contains("change of fc2.bias").doesNotContain("WRONG");
    assertThat(out.strip()).endsWith(" agrees with PyTorch, computing in bf16");
  }
}
