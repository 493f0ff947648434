package io.github.distillcuda.cli;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.DeviceKind;
import io.github.distillcuda.backend.DeviceRequest;
import io.github.distillcuda.backend.StageTime;
import io.github.distillcuda.train.StepBenchmark;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Times the training step on this machine. */
@picocli.CommandLine.Command(
    name = "bench",
    description =
        "Times the distillation step on this machine, teacher cached and recomputed, by the fused"
            + " loss and on CUDA by both chains, and each of its operations.")
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
      description =
          "times to take, each of a step, or of several where one takes less than a millisecond,"
              + " for 30 seconds at most (default: ${DEFAULT-VALUE})")
  int steps;

  @Mixin TrainingDeviceOptions device;

  BenchCommand(Session session) {
    super(session);
  }

  /** What {@code bench --json} prints. */
  record Result(
      String device,
      String engine,
      String precision,
      String layers,
      List<StepBenchmark.Row> steps) {}

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
    List<StepBenchmark.Row> rows = new ArrayList<>();
    BackendInfo info;
    boolean otherLosses;
    try (Backend backend = device.open(session, reporter)) {
      info = backend.info();
      otherLosses = hasOtherLosses(backend);
      measure(backend, rows, reporter);
    }
    if (otherLosses) {
      for (Kernels form : EnumSet.complementOf(EnumSet.of(Kernels.FUSED))) {
        try (Backend backend =
            device.open(session, reporter, note -> {}, device.options().withKernels(form))) {
          measure(backend, rows, reporter);
        }
      }
    }
    Result result = new Result(info.device(), info.engine(), info.precision(), info.layers(), rows);
    reporter.result(result, text(result));
    return 0;
  }

  /** Whether there are other forms of the loss to compare with, and nobody asked for one. */
  private boolean hasOtherLosses(Backend backend) {
    return backend.kind() == DeviceKind.CUDA
        && !spec.commandLine().getParseResult().hasMatchedOption("--kernels");
  }

  private void measure(Backend backend, List<StepBenchmark.Row> rows, ConsoleReporter reporter) {
    StepBenchmark benchmark = new StepBenchmark(backend, batchSize);
    for (boolean cached : new boolean[] {true, false}) {
      reporter.line(
          "timing the step with the %s loss and the teacher's logits %s"
              .formatted(backend.info().kernels(), cached ? "cached" : "recomputed"));
      rows.add(benchmark.measure(cached, WARM_UP, steps));
    }
  }

  private static String text(Result result) {
    StringBuilder text = new StringBuilder();
    text.append(
        "%s, %s, layers %s%n".formatted(result.device(), result.precision(), result.layers()));
    text.append(
        "loss      teacher      batch   times   of steps   ms a step (p10 to p90)   images/s\n");
    for (StepBenchmark.Row row : result.steps()) {
      text.append(
          String.format(
              Locale.ROOT,
              "%-9s %-10s %7d %7d %10d   %.3f (%.3f to %.3f)   %,.0f%n",
              row.kernels(),
              row.variant(),
              row.batch(),
              row.n(),
              row.stepsAtOnce(),
              row.ms(),
              row.p10(),
              row.p90(),
              row.batch() / row.ms() * 1e3));
    }
    appendStages(text, result.steps().get(1));
    return text.toString().stripTrailing();
  }

  private static void appendStages(StringBuilder text, StepBenchmark.Row step) {
    boolean rates = step.stages().stream().anyMatch(stage -> stage.bytes() > 0);
    text.append(
        "%noperations of the %s step, %s loss:%n".formatted(step.variant(), step.kernels()));
    text.append("       µs  (p10 to p90)        ").append(rates ? "    GB/s  TFLOP/s\n" : "\n");
    for (StageTime stage : step.stages()) {
      text.append(
          String.format(
              Locale.ROOT,
              "%9.1f  %-20s%s  %s%n",
              stage.us(),
              String.format(Locale.ROOT, "(%.1f to %.1f)", stage.p10(), stage.p90()),
              rates
                  ? "%8s %8s"
                      .formatted(
                          rate(stage.bytes(), stage.us() * 1e3),
                          rate(stage.flops(), stage.us() * 1e6))
                  : "",
              stage.stage()));
    }
  }

  /** Nothing where the backend does not know what an operation moves or multiplies. */
  private static String rate(long amount, double time) {
    return amount == 0 ? "" : String.format(Locale.ROOT, "%.1f", amount / time);
  }
}
