package io.github.distillcuda.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.backend.LayerBenchmark;
import io.github.distillcuda.data.EpochOrderBenchmark;
import io.github.distillcuda.distill.DistillationLossBenchmark;
import io.github.distillcuda.ffi.CudnnCallBenchmark;
import io.github.distillcuda.ffi.LaunchBenchmark;
import io.github.distillcuda.train.TrainingStepBenchmark;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every benchmark runs, once and in this process: what it measures here means nothing. */
class BenchmarksTest {
  private static final List<Class<?>> BENCHMARKS =
      List.of(
          CudnnCallBenchmark.class,
          LaunchBenchmark.class,
          EpochOrderBenchmark.class,
          DistillationLossBenchmark.class,
          LayerBenchmark.class,
          TrainingStepBenchmark.class);

  @TempDir Path folder;

  /** JMH wants the machine for itself, which only those who want its figures need grant it. */
  @BeforeAll
  static void shareTheMachine() {
    System.setProperty("jmh.ignoreLock", "true");
  }

  private int runOnce(Path result, String... selection) throws Exception {
    String[] once = {
      "-v", "SILENT", "-f", "0", "-bm", "ss", "-wi", "0", "-i", "1", "-rff", result.toString()
    };
    String[] arguments = new String[once.length + selection.length];
    System.arraycopy(once, 0, arguments, 0, once.length);
    System.arraycopy(selection, 0, arguments, once.length, selection.length);
    return Benchmarks.run(arguments);
  }

  @Test
  void everyBenchmarkGivesAFigure() throws Exception {
    Path result = folder.resolve("not there yet/jmh.json");
    int figures = runOnce(result);
    String json = Files.readString(result);
    List<Class<?>> present =
        BENCHMARKS.stream().filter(benchmark -> json.contains(benchmark.getName())).toList();
    List<Class<?>> wanted =
        BENCHMARKS.stream().filter(b -> !Benchmarks.leftOut().containsKey(b)).toList();
    assertThat(present).isEqualTo(wanted);
    // 16 of layers, 3 of losses, 2 of steps, 1 of orders, and those that may be left out
    assertThat(figures).isGreaterThanOrEqualTo(22);
  }

  @Test
  void emptyTableIsAFailure() {
    assertThatThrownBy(() -> runOnce(folder.resolve("jmh.json"), "NoSuchBenchmark"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("no benchmark matches");
  }
}
