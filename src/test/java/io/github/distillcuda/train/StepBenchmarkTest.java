package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.onednn.OnednnBackend;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** How many steps are timed, by a clock that moves on by a fixed time whenever it is read. */
class StepBenchmarkTest {
  private static StepBenchmark.Row measure(int warmUp, int steps, long secondsAReading) {
    AtomicLong clock = new AtomicLong();
    long tick = TimeUnit.SECONDS.toNanos(secondsAReading);
    try (OnednnBackend backend = new OnednnBackend(new BackendOptions(2, true))) {
      return new StepBenchmark(backend, 4, () -> clock.addAndGet(tick))
          .measure(false, warmUp, steps);
    }
  }

  @Test
  void timesAsManyStepsAsAskedWhereTheyAreFast() {
    StepBenchmark.Row row = measure(3, 25, 0);
    assertThat(row.n()).isEqualTo(25);
    assertThat(row.variant()).isEqualTo("recomputed");
  }

  @Test
  void timesTenWhereTheyAreSlow() {
    // A timed step reads the clock twice: 20 seconds, so that the half minute is over at the
    // second.
    StepBenchmark.Row row = measure(200, 300, 10);
    assertThat(row.n()).isEqualTo(10);
    assertThat(row.ms()).isEqualTo(10_000);
  }

  @Test
  void stopsWhenHalfAMinuteIsOver() {
    // Two seconds a step: the sixteenth begins after 30 seconds, which is not yet more than those.
    assertThat(measure(1, 300, 1).n()).isEqualTo(16);
  }
}
