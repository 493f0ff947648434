package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.Backends;
import io.github.distillcuda.backend.DeviceRequest;
import io.github.distillcuda.bench.Provenance;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * Times the distillation on the first GPU in every combination, and writes a row of CSV for each as
 * it comes.
 *
 * <pre>java io.github.distillcuda.train.RunBenchMain FILE.csv [MILLIS [PART]]</pre>
 */
public final class RunBenchMain {
  private static final int IMAGES = 50_000;
  private static final String COLUMNS =
      Provenance.BACKEND_COLUMNS
          + ",teacher,batch,n,p10_us,p50_us,p90_us,ten_epochs_s,set_up_s,loss";

  private final PrintWriter csv;

  private RunBenchMain(PrintWriter csv) {
    this.csv = csv;
  }

  /**
   * Runs; MILLIS is for the repeated steps of one row, PART a regular expression that is found in a
   * combination that is measured, such as {@code "kernels fused.*tf32"}.
   */
  public static void main(String[] arguments) throws IOException {
    long limit = arguments.length > 1 ? Long.parseLong(arguments[1]) : 500;
    int failed =
        write(
            Path.of(arguments[0]),
            StepVariant.with(arguments.length > 2 ? arguments[2] : ""),
            IMAGES,
            limit,
            options ->
                new Backends().select(new DeviceRequest.Cuda(0), options, System.out::println));
    System.exit(failed > 0 ? 1 : 0);
  }

  /**
   * Writes the rows of these variants; returns how many of them failed.
   *
   * @param images at least one of the largest batches
   */
  static int write(
      Path file,
      List<StepVariant> variants,
      int images,
      long limitMillis,
      Function<BackendOptions, Backend> open)
      throws IOException {
    // Flushed with each row: whoever ends the process loses none.
    try (PrintWriter csv = new PrintWriter(Files.newBufferedWriter(file), true)) {
      csv.println(COLUMNS);
      RunBenchMain main = new RunBenchMain(csv);
      return StepVariant.measure(
          variants,
          open,
          (backend, variant) -> {
            RunBench bench = new RunBench(backend, images);
            int batch = variant.batch();
            for (boolean cached : new boolean[] {true, false}) {
              main.write(
                  backend.info(), cached, batch, bench.measure(cached, batch, limitMillis, true));
            }
          });
    }
  }

  private void write(BackendInfo info, boolean cached, int batch, RunBench.Result result) {
    csv.printf(
        Locale.ROOT,
        "%s,%s,%d,%d,%.3f,%.3f,%.3f,%.4f,%.3f,%.5f%n",
        Provenance.of(info),
        cached ? "cached" : "recomputed",
        batch,
        result.repeats(),
        result.p10(),
        result.p50(),
        result.p90(),
        result.tenEpochsSeconds(),
        result.setUpSeconds(),
        result.loss());
    System.out.printf(
        Locale.ROOT,
        "kernels %-7s layers %-6s %s %-10s batch %4d: step %8.2f us (%.2f to %.2f, n=%d), ten"
            + " epochs %.3f s, set-up %.2f s, loss %.4f%n",
        info.kernels(),
        info.layers(),
        info.precision(),
        cached ? "cached" : "recomputed",
        batch,
        result.p50(),
        result.p10(),
        result.p90(),
        result.repeats(),
        result.tenEpochsSeconds(),
        result.setUpSeconds(),
        result.loss());
  }
}
