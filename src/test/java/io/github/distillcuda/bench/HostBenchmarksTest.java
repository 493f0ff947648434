package io.github.distillcuda.bench;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.LayerBenchmark;
import io.github.distillcuda.cuda.CudaDistillationLossBenchmark;
import io.github.distillcuda.data.EpochOrderBenchmark;
import io.github.distillcuda.distill.DistillationLossBenchmark;
import io.github.distillcuda.ffi.CudnnCallBenchmark;
import io.github.distillcuda.ffi.LaunchBenchmark;
import io.github.distillcuda.train.TrainingStepBenchmark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every benchmark runs, once, all in one process: what they measure here means nothing. That
 * process is not this one, because JCuda stays connected with the driver that does nothing.
 */
class HostBenchmarksTest {
  private static final List<Class<?>> BENCHMARKS =
      List.of(
          CudnnCallBenchmark.class,
          LaunchBenchmark.class,
          EpochOrderBenchmark.class,
          DistillationLossBenchmark.class,
          CudaDistillationLossBenchmark.class,
          LayerBenchmark.class,
          TrainingStepBenchmark.class);

  private record Finished(int exitStatus, String output) {}

  @TempDir Path folder;

  private Finished runOnce(Path result, String... selection)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "--illegal-native-access=deny"));
    // JMH wants the machine for itself, which only those who want its figures need grant it.
    command.add("-Djmh.ignoreLock=true");
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(HostBenchmarks.class.getName());
    command.addAll(List.of("-f", "0", "-bm", "ss", "-wi", "0", "-i", "1", "-v", "SILENT"));
    command.addAll(List.of("-rff", result.toString()));
    command.addAll(List.of(selection));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    return new Finished(process.waitFor(), output);
  }

  @Test
  void everyBenchmarkGivesAFigure() throws Exception {
    Path result = folder.resolve("not there yet/jmh.json");
    Path rows = folder.resolve("host.csv");
    Finished run = runOnce(result, "--machine", "test", "--rows", rows.toString());
    assertThat(run.exitStatus()).as(run.output()).isZero();
    String json = Files.readString(result);
    for (Class<?> benchmark : BENCHMARKS) {
      boolean leftOut = run.output().contains("left out: " + benchmark.getSimpleName());
      assertThat(json.contains(benchmark.getName())).as(benchmark.getName()).isNotEqualTo(leftOut);
    }
    // 16 of layers, 3 of losses, 2 of steps, 1 of orders, and those that may be left out.
    int figures = Integer.parseInt(run.output().replaceFirst("(?s).*?(\\d+) figures\\s*$", "$1"));
    assertThat(figures).isGreaterThanOrEqualTo(22);
    List<String> lines = Files.readAllLines(rows);
    assertThat(lines).hasSize(1 + figures);
    int columns = lines.getFirst().split(",", -1).length;
    assertThat(lines).allMatch(line -> line.split(",", -1).length == columns);
    assertThat(lines)
        .filteredOn(line -> line.contains(",DistillationLoss."))
        .hasSize(3)
        .allMatch(line -> line.contains(",test,") && line.contains("classes="));
    run.output().lines().filter(line -> line.startsWith("left out")).forEach(System.out::println);
  }

  @Test
  void emptyTableIsAFailure() throws Exception {
    Finished run = runOnce(folder.resolve("jmh.json"), "NoSuchBenchmark");
    assertThat(run.exitStatus()).isEqualTo(1);
    assertThat(run.output()).contains("no benchmark matches");
  }
}
