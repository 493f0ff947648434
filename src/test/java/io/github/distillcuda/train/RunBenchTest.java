package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.onednn.OnednnBackend;
import org.junit.jupiter.api.Test;

/**
 * The bench of whole runs on the CPU, where its times are no results: so that it works on a GPU.
 */
class RunBenchTest {
  @Test
  void timesStepsAndTenEpochsWithATail() {
    try (Backend backend = new OnednnBackend(BackendOptions.DEFAULT)) {
      RunBench bench = new RunBench(backend, 10);
      for (boolean cached : new boolean[] {true, false}) {
        RunBench.Result result = bench.measure(cached, 4, 1, true);

        assertThat(result.repeats()).isPositive();
        assertThat(result.p10()).isPositive().isLessThanOrEqualTo(result.p90());
        assertThat(result.tenEpochsSeconds()).isPositive();
        assertThat(result.loss()).isPositive().isFinite();
      }
    }
  }
}
