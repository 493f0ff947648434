package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.StageTime;
import io.github.distillcuda.backend.onednn.OnednnBackend;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** How many steps are timed, by a clock that moves on by a fixed time whenever it is read. */
class StepBenchmarkTest {
  private static StepBenchmark.Row measure(int warmUp, int times, long millisecondsAReading) {
    AtomicLong clock = new AtomicLong();
    long tick = TimeUnit.MILLISECONDS.toNanos(millisecondsAReading);
    try (OnednnBackend backend = new OnednnBackend(new BackendOptions(2, true))) {
      return new StepBenchmark(backend, 4, () -> clock.addAndGet(tick))
          .measure(false, warmUp, times);
    }
  }

  @Test
  void takesAsManyTimesAsAskedWhereStepsAreFast() {
    StepBenchmark.Row row = measure(3, 25, 1);
    assertThat(row.n()).isEqualTo(25);
    assertThat(row.stepsAtOnce()).isOne();
    assertThat(row.ms()).isEqualTo(1);
    assertThat(row.variant()).isEqualTo("recomputed");
    assertThat(row.kernels()).isEqualTo("fused");
  }

  @Test
  void shortStepsAreTimedSeveralAtOnce() {
    StepBenchmark.Row row = measure(3, 25, 0);
    assertThat(row.n()).isEqualTo(25);
    assertThat(row.stepsAtOnce()).isEqualTo(48);
  }

  @Test
  void takesTenTimesWhereStepsAreSlow() {
    StepBenchmark.Row row = measure(200, 300, 40_000);
    assertThat(row.n()).isEqualTo(10);
    assertThat(row.ms()).isEqualTo(40_000);
  }

  @Test
  void stopsWhenHalfAMinuteIsOver() {
    // A time reads the clock twice, and from the tenth on a third reading asks whether it is
    // enough:
    // that before the fifteenth is the first beyond 30 seconds.
    assertThat(measure(1, 300, 1_000).n()).isEqualTo(14);
  }

  /** The operations of the step with the teacher in it, in order. */
  @Test
  void everyStageHasATime() {
    assertThat(measure(0, 1, 1).stages())
        .allSatisfy(
            stage -> {
              assertThat(stage.p10()).isPositive().isLessThanOrEqualTo(stage.us());
              assertThat(stage.p90()).isGreaterThanOrEqualTo(stage.us());
            })
        .extracting(StageTime::stage)
        .startsWith("gather")
        .endsWith("advance")
        .filteredOn(stage -> !stage.contains("reorder") && !stage.contains("when written"))
        .extracting(stage -> stage.replaceFirst(" \\(.*", ""))
        .containsSubsequence(
            "conv1 inference",
            "conv2 inference and pooling",
            "fc2 inference",
            "conv1 forward",
            "fc2 forward",
            "loss",
            "conv2 weight gradient",
            "adam");
  }
}
