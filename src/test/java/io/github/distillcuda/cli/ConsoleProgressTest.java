package io.github.distillcuda.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What is printed while work goes on, on a terminal and off one. */
class ConsoleProgressTest {
  private static final String CLEAR = ConsoleReporter.CLEAR_LINE;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final OutputOptions options = new OutputOptions();
  private long seconds = 1000;

  private ConsoleReporter reporter(boolean terminal) {
    return new ConsoleReporter(
        options,
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8),
        terminal,
        () -> TimeUnit.SECONDS.toNanos(seconds));
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
            CLEAR
                + "eval [######------------------] 25%"
                + CLEAR
                + "eval [############------------] 50%, 5 images/s, 10 s left"
                + CLEAR
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
      ConsoleReporter reporter = reporter(terminal);
      work(reporter, "eval", 100);
      reporter.line("device: cpu");
      reporter.note("data: synthetic");
      reporter.estimate(1000);
      assertThat(text(out)).isEmpty();
      reporter.caution("a checkpoint is damaged");
      reporter.warning("NOT CIFAR-10");
      reporter.result(new Object(), "the table");
      assertThat(text(out)).contains("NOT CIFAR-10", "the table").doesNotContain("\u001b");
      assertThat(text(err)).contains("distill-cuda: warning: a checkpoint is damaged");
    }
  }
}
