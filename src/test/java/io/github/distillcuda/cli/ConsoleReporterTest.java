package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.StepProgress;
import io.github.distillcuda.backend.reference.ReferenceBackend;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.nn.Network;
import io.github.distillcuda.train.EpochRecord;
import io.github.distillcuda.train.ModelRole;
import io.github.distillcuda.train.TeacherSource;
import io.github.distillcuda.train.TrainingPosition;
import io.github.distillcuda.train.TrainingSettings;
import io.github.distillcuda.train.TrainingTask;
import io.github.distillcuda.train.Work;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What is printed of a run and while it goes on, on a terminal and off one. Every number of a line
 * comes from another field, and no two fields are alike.
 */
class ConsoleReporterTest {
  private static final EpochRecord DISTILLED =
      new EpochRecord(
          ModelRole.STUDENT, 3, 2346, 1.23456, 2.34567, 0.45678, 0.5625, 0.4875, 12.34, 4051.8);

  private static final String DISTILLED_LINE =
      "student  epoch  3  loss 1.2346 (kd 2.3457, ce 0.4568)  train 56.25 %  test 48.75 %"
          + "  12.3 s  4,052 images/s";

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final OutputOptions options = new OutputOptions();
  private double seconds = 70;

  private ConsoleReporter reporter(boolean terminal) {
    return new ConsoleReporter(
        options, stream(out), stream(err), terminal, () -> Math.round(seconds * 1e9));
  }

  private static PrintStream stream(ByteArrayOutputStream bytes) {
    return new PrintStream(bytes, true, StandardCharsets.UTF_8);
  }

  private static List<String> lines(ByteArrayOutputStream bytes) {
    return text(bytes).lines().toList();
  }

  @Test
  void anEpochOfDistillationHasBothOfItsLosses() {
    reporter(false).epochDone(DISTILLED);
    assertThat(lines(out)).containsExactly(DISTILLED_LINE);
  }

  @Test
  void anEpochOnLabelsAloneHasOneLoss() {
    reporter(false)
        .epochDone(
            new EpochRecord(
                ModelRole.BASELINE, 10, 7820, 0.34567, 0, 0.34567, 0.875, 0.75, 9.87, 50.6));
    assertThat(lines(out))
        .containsExactly(
            "baseline epoch 10  loss 0.3457  train 87.50 %  test 75.00 %  9.9 s  51 images/s");
  }

  @Test
  void withJsonAnEpochIsAnObjectAndItsLineGoesToStandardError() {
    options.json = true;
    reporter(false).epochDone(DISTILLED);
    assertThat(lines(err)).containsExactly(DISTILLED_LINE);
    assertThat(lines(out)).hasSize(1);
    assertThat(JsonParser.parseString(lines(out).getFirst()))
        .isEqualTo(
            JsonParser.parseString(
                """
                {"model": "student", "epoch": 3, "step": 2346, "loss": 1.23456, "kd": 2.34567,
                 "ce": 0.45678, "trainAccuracy": 0.5625, "testAccuracy": 0.4875, "seconds": 12.34,
                 "imagesPerSecond": 4051.8}
                """));
  }

  @Test
  void aTrainingSaysWhatItBeginsWith() {
    try (Backend backend = new ReferenceBackend(BackendOptions.DEFAULT)) {
      Network network = Network.frozen(backend, new Architecture(4, 6, 8, 10), 16);
      ConsoleReporter reporter = reporter(false);
      reporter.trainingStarted(
          new TrainingTask(
              ModelRole.STUDENT,
              network,
              new LossSpec(5, 0.7),
              new TeacherSource.Recomputed(network),
              new TrainingSettings(12, 64, 1e-3, 42)),
          new TrainingPosition(3, StepProgress.at(640, 1574), 1.5, List.of()));
      reporter.trainingStarted(
          new TrainingTask(
              ModelRole.BASELINE,
              network,
              LossSpec.CROSS_ENTROPY,
              new TeacherSource.None(),
              new TrainingSettings(1, 64, 1e-3, 42)),
          TrainingPosition.START);
    }
    assertThat(lines(out))
        .containsExactly(
            "student: 3,504 parameters, 12 epochs of distillation, going on in epoch 3 at image"
                + " 640",
            "baseline: 3,504 parameters, 1 epoch of cross-entropy");
  }

  @Test
  void aLongRunIsAnnouncedInMinutesThatAreNotTooFew() {
    ConsoleReporter reporter = reporter(false);
    reporter.estimate(89);
    reporter.estimate(301);
    assertThat(lines(out)).containsExactly("this run will take about 6 minutes");
  }

  /** 1,000 images in half a second, and 3,000 to go; then 1,000 more in the second after that. */
  @Test
  void theBarHasShareRateAndTimeLeft() {
    ConsoleReporter reporter = reporter(true);
    reporter.progress("student epoch 1/2", 1000, 5000);
    seconds += 0.5;
    reporter.progress("student epoch 1/2", 2000, 5000);
    seconds += 1;
    reporter.progress("student epoch 1/2", 3000, 5000);
    seconds += 0.05;
    reporter.progress("student epoch 1/2", 3100, 5000);
    assertThat(text(out).split("\r\u001b\\[K"))
        .containsExactly(
            "",
            "student epoch 1/2 [####--------------------] 20%",
            "student epoch 1/2 [#########---------------] 40%, 2,000 images/s, 2 s left",
            "student epoch 1/2 [##############----------] 60%, 1,333 images/s, 2 s left");
  }

  @Test
  void theBarNamesTheWork() {
    ConsoleReporter reporter = reporter(true);
    reporter.progress(new Work.Epoch(ModelRole.STUDENT, 3, 10), 0, 100);
    reporter.progress(new Work.EpochTest(ModelRole.STUDENT, 3, 10), 0, 100);
    reporter.progress(new Work.SavedTest(ModelRole.BASELINE), 0, 100);
    reporter.progress(new Work.TeacherLogits(), 0, 100);
    assertThat(text(out).replace(" [------------------------] 0%", "").split("\r\u001b\\[K"))
        .containsExactly(
            "", "student epoch 3/10", "student test 3/10", "baseline test", "teacher logits");
  }

  @Test
  void aDownloadIsCountedInThousandsOfBytes() {
    ConsoleReporter reporter = reporter(true);
    reporter.transferred("server", 0, 8_000_000);
    seconds += 2;
    reporter.transferred("server", 1_000_000, 8_000_000);
    assertThat(text(out))
        .endsWith("download from server [###---------------------] 12%, 500 kB/s, 14 s left");
  }

  private static String text(ByteArrayOutputStream stream) {
    return stream.toString(StandardCharsets.UTF_8);
  }

  /** One image a second, each of them reported. */
  private void work(ConsoleReporter reporter, String work, int images) {
    for (int done = 1; done <= images; done++) {
      seconds++;
      reporter.progress(work, done, images);
    }
  }

  @Test
  void offATerminalLongWorkPrintsALineEveryHalfMinute() {
    ConsoleReporter reporter = reporter(false);
    work(reporter, "teacher logits", 100);
    assertThat(text(out).lines())
        .containsExactly(
            "teacher logits: 31%, 1 images/s, 69 s left",
            "teacher logits: 61%, 1 images/s, 39 s left",
            "teacher logits: 91%, 1 images/s, 9 s left");
    assertThat(text(err)).isEmpty();
  }

  /** However much of it there is. */
  @Test
  void offATerminalShortWorkPrintsNothing() {
    ConsoleReporter reporter = reporter(false);
    for (int epoch = 1; epoch <= 10; epoch++) {
      work(reporter, "student epoch %d/10".formatted(epoch), 31);
    }
    assertThat(text(out)).isEmpty();
  }

  @Test
  void offATerminalADownloadPrintsItsLinesToo() {
    ConsoleReporter reporter = reporter(false);
    reporter.transferred("example.org", 1_000_000, 170_000_000);
    seconds += 30;
    reporter.transferred("example.org", 16_000_000, 170_000_000);
    reporter.transferred("example.org", 16_000_001, 170_000_000);
    assertThat(text(out))
        .isEqualTo("download from example.org: 9%%, 500 kB/s, 308 s left%n".formatted());
  }

  @Test
  void withJsonTheLinesGoToStandardError() {
    options.json = true;
    work(reporter(false), "eval", 40);
    assertThat(text(out)).isEmpty();
    assertThat(text(err).lines()).containsExactly("eval: 77%, 1 images/s, 9 s left");
  }

  @Test
  void aTerminalHasABarThatALineReplaces() {
    ConsoleReporter reporter = reporter(true);
    reporter.progress("eval", 25, 100);
    seconds += 5;
    reporter.progress("eval", 50, 100);
    reporter.progress("eval", 51, 100); // within a tenth of a second
    reporter.line("done");
    assertThat(text(out))
        .isEqualTo(
            ConsoleReporter.CLEAR_LINE
                + "eval [######------------------] 25%"
                + ConsoleReporter.CLEAR_LINE
                + "eval [############------------] 50%, 5 images/s, 10 s left"
                + ConsoleReporter.CLEAR_LINE
                + "done%n".formatted());
  }

  @Test
  void noColorHasPlainLinesOnATerminalToo() {
    options.noColor = true;
    work(reporter(true), "eval", 40);
    assertThat(text(out).lines()).containsExactly("eval: 77%, 1 images/s, 9 s left");
    assertThat(text(out)).doesNotContain("\u001b").doesNotContain("\r");
  }

  @Test
  void quietLeavesResultsAndWhatMustNotBeMissed() {
    options.quiet = true;
    for (boolean terminal : new boolean[] {false, true}) {
      out.reset();
      err.reset();
      ConsoleReporter reporter = reporter(terminal);
      work(reporter, "eval", 100);
      reporter.line("device: cpu");
      reporter.note("data: synthetic");
      reporter.estimate(1000);
      assertThat(text(out)).isEmpty();
      reporter.warning("a checkpoint is damaged");
      reporter.banner("NOT CIFAR-10");
      reporter.result(new Object(), "the table");
      assertThat(lines(out)).containsExactly("the table");
      String rule = "*".repeat(72);
      assertThat(lines(err))
          .containsExactly(
              "distill-cuda: warning: a checkpoint is damaged", rule, "NOT CIFAR-10", rule);
    }
  }
}
