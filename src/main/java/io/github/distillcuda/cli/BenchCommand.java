package io.github.distillcuda.cli;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.DeviceRequest;
import io.github.distillcuda.train.StepBenchmark;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Times the training step on this machine. */
@picocli.CommandLine.Command(
    name = "bench",
    description = "Times the distillation step on this machine, teacher cached and recomputed.")
final class BenchCommand extends Command {
  private static final int WARM_UP = 200;

  @Option(
      names = {"--batch-size", "--batch_size"},
      paramLabel = "N",
      defaultValue = "64",
      description = "images of a step (default: ${DEFAULT-VALUE})")
  int batchSize;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "300",
      description = "steps to time, for 30 seconds at most (default: ${DEFAULT-VALUE})")
  int steps;

  @Mixin TrainingDeviceOptions device;

  BenchCommand(Session session) {
    super(session);
  }

  /** What {@code bench --json} prints. */
  record Result(String device, String precision, List<StepBenchmark.Row> steps) {}

  @Override
  public Integer call() {
    Ranges.requireWithin(spec, "--batch-size", batchSize, 1L, 1024L);
    Ranges.requireWithin(spec, "--steps", steps, 1L, 1_000_000L);
    if (device.request() instanceof DeviceRequest.Reference) {
      throw Ranges.usage(
          spec,
          "--device reference is the oracle, in float64 and never made fast: bench times --device"
              + " cpu or cuda");
    }
    ConsoleReporter reporter = session.reporter(output);
    try (Backend backend = device.open(session, reporter::line)) {
      StepBenchmark benchmark = new StepBenchmark(backend, batchSize);
      List<StepBenchmark.Row> rows = new ArrayList<>();
      rows.add(benchmark.measure(true, WARM_UP, steps));
      rows.add(benchmark.measure(false, WARM_UP, steps));
      Result result = new Result(backend.info().device(), backend.info().precision(), rows);
      reporter.result(result, text(result));
    }
    return 0;
  }

  private static String text(Result result) {
    StringBuilder text = new StringBuilder(result.device() + ", " + result.precision() + "\n");
    text.append("teacher      batch   steps   ms a step (p10 to p90)   images/s\n");
    for (StepBenchmark.Row row : result.steps()) {
      text.append(
          String.format(
              Locale.ROOT,
              "%-10s %7d %7d   %.2f (%.2f to %.2f)   %,.0f%n",
              row.variant(),
              row.batch(),
              row.n(),
              row.ms(),
              row.p10(),
              row.p90(),
              row.batch() / row.ms() * 1e3));
    }
    return text.toString().stripTrailing();
  }
}
