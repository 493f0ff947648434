package io.github.distillcuda.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.github.distillcuda.data.DataListener;
import io.github.distillcuda.train.EpochRecord;
import io.github.distillcuda.train.ModelRole;
import io.github.distillcuda.train.TrainingListener;
import io.github.distillcuda.train.TrainingPosition;
import io.github.distillcuda.train.TrainingTask;
import io.github.distillcuda.train.Work;
import java.io.PrintStream;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * Prints a run as it happens. On a terminal, a progress bar with rate and time left stands in the
 * last line; elsewhere there are plain lines only, one every half minute of a piece of work that
 * takes longer. With {@code --json}, standard output carries results alone, and everything for
 * people goes to standard error. Data and device are opened side by side, so that lines come from
 * two threads.
 */
final class ConsoleReporter implements TrainingListener, DataListener {
  private static final int BAR_WIDTH = 24;
  private static final long REDRAW_NANOS = 100_000_000L;

  /** Between two plain lines of one piece of work: what ends sooner adds nothing to a log. */
  private static final long LINE_NANOS = 30_000_000_000L;

  static final String CLEAR_LINE = "\r\u001b[K";

  /** Where lines go that people read as the run goes on. */
  private final PrintStream people;

  private final PrintStream errors;
  private final PrintStream results;
  private final boolean json;
  private final boolean quiet;
  private final boolean bar;
  private final LongSupplier nanoTime;

  /** The piece of work that is going on, when it began, and how much of it was done already. */
  private String work = "";

  private long startedAt;
  private long doneAtStart;

  /** When the bar was drawn or a plain line printed last. */
  private long shownAt;

  private boolean barShown;

  /**
   * A reporter for the given streams.
   *
   * @param terminal whether {@code people} is a terminal that moves its cursor
   */
  ConsoleReporter(OutputOptions options, PrintStream out, PrintStream err, boolean terminal) {
    this(options, out, err, terminal, System::nanoTime);
  }

  /** The same with a clock in nanoseconds. */
  ConsoleReporter(
      OutputOptions options,
      PrintStream out,
      PrintStream err,
      boolean terminal,
      LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    json = options.json;
    quiet = options.quiet;
    people = json ? err : out;
    errors = err;
    results = out;
    bar = terminal && !quiet && !options.noColor;
  }

  /** Prints a line for people. */
  synchronized void line(String text) {
    if (!quiet) {
      clearBar();
      people.println(text);
    }
  }

  /** Prints a result: the object with {@code --json}, else the text. */
  synchronized void result(Object object, String text) {
    clearBar();
    results.println(json ? json().toJson(object) : text);
  }

  @Override
  public void note(String line) {
    line(line);
  }

  /** Prints a warning of one line on standard error, even with {@code --quiet}. */
  @Override
  public synchronized void warning(String line) {
    clearBar();
    errors.println("distill-cuda: warning: " + line);
  }

  /** Prints a line between two of stars on standard error, even with {@code --quiet}. */
  @Override
  public synchronized void banner(String line) {
    String rule = "*".repeat(72);
    clearBar();
    errors.println(rule + System.lineSeparator() + line + System.lineSeparator() + rule);
  }

  @Override
  public void transferred(String server, long byteCount, long total) {
    progressOf("download from " + server, byteCount, total, "kB", 1000);
  }

  @Override
  public void trainingStarted(TrainingTask task, TrainingPosition position) {
    String from =
        position.epoch() > 1 || position.progress().cursor() > 0
            ? ", going on in epoch %d at image %d"
                .formatted(position.epoch(), position.progress().cursor())
            : "";
    line(
        String.format(
            Locale.ROOT,
            "%s: %,d parameters, %d %s of %s%s",
            task.role(),
            task.network().architecture().parameterCount(),
            task.settings().epochs(),
            task.settings().epochs() == 1 ? "epoch" : "epochs",
            task.loss().readsTeacher() ? "distillation" : "cross-entropy",
            from));
  }

  @Override
  public void estimate(double seconds) {
    if (seconds >= 90) {
      line("this run will take about %.0f minutes".formatted(Math.ceil(seconds / 60)));
    }
  }

  @Override
  public void progress(Work work, int done, int total) {
    progress(words(work), done, total);
  }

  private static String words(Work work) {
    return switch (work) {
      case Work.Epoch(ModelRole role, int epoch, int epochs) ->
          "%s epoch %d/%d".formatted(role, epoch, epochs);
      case Work.EpochTest(ModelRole role, int epoch, int epochs) ->
          "%s test %d/%d".formatted(role, epoch, epochs);
      case Work.SavedTest(ModelRole role) -> role + " test";
      case Work.TeacherLogits() -> "teacher logits";
    };
  }

  /** Images of a piece of work are done; {@code work} says which. */
  void progress(String work, int done, int total) {
    progressOf(work, done, total, "images", 1);
  }

  private synchronized void progressOf(
      String work, long done, long total, String unit, int perUnit) {
    long now = nanoTime.getAsLong();
    boolean begins = !work.equals(this.work);
    if (begins) {
      this.work = work;
      startedAt = now;
      doneAtStart = done;
      shownAt = bar ? shownAt : now; // the first line comes half a minute later
    }
    boolean due = now - shownAt >= (bar ? REDRAW_NANOS : LINE_NANOS);
    if (bar && (begins || due || done >= total)) {
      int filled = (int) (BAR_WIDTH * done / total);
      String full = "#".repeat(filled) + "-".repeat(BAR_WIDTH - filled);
      String rateAndRest = rateAndRest(now, done, total, unit, perUnit);
      people.print(CLEAR_LINE + "%s [%s] %s".formatted(work, full, rateAndRest));
      people.flush();
      barShown = true;
      shownAt = now;
    } else if (!bar && due && done < total) {
      line(work + ": " + rateAndRest(now, done, total, unit, perUnit));
      shownAt = now;
    }
  }

  /** Returns how much is done, how fast, and when the rest will be. */
  private String rateAndRest(long now, long done, long total, String unit, int perUnit) {
    String share = 100 * done / total + "%";
    double rate = (done - doneAtStart) / Math.max(1e-9, (now - startedAt) / 1e9);
    return rate > 0
        ? String.format(
            Locale.ROOT,
            "%s, %,.0f %s/s, %.0f s left",
            share,
            rate / perUnit,
            unit,
            (total - done) / rate)
        : share;
  }

  @Override
  public synchronized void epochDone(EpochRecord e) {
    clearBar();
    if (json) {
      results.println(json().toJson(e));
    }
    boolean distilled = e.kd() != 0;
    line(
        String.format(
            Locale.ROOT,
            "%-8s epoch %2d  loss %.4f%s  train %.2f %%  test %.2f %%  %.1f s  %,.0f images/s",
            e.role(),
            e.epoch(),
            e.loss(),
            distilled ? String.format(Locale.ROOT, " (kd %.4f, ce %.4f)", e.kd(), e.ce()) : "",
            100 * e.trainAccuracy(),
            100 * e.testAccuracy(),
            e.seconds(),
            e.imagesPerSecond()));
  }

  private static Gson json() {
    return new GsonBuilder().serializeSpecialFloatingPointValues().create();
  }

  private synchronized void clearBar() {
    if (barShown) {
      people.print(CLEAR_LINE);
      barShown = false;
    }
  }
}
