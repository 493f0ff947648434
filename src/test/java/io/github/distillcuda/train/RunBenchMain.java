package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.Backends;
import io.github.distillcuda.backend.DeviceRequest;
import io.github.distillcuda.bench.Provenance;
import io.github.distillcuda.failure.DistillException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Times the distillation on the first GPU in every combination, and writes a row of CSV for each as
 * it comes.
 *
 * <pre>java io.github.distillcuda.train.RunBenchMain FILE.csv [MILLIS]</pre>
 */
public final class RunBenchMain {
  private static final int IMAGES = 50_000;
  private static final String COLUMNS =
      Provenance.COLUMNS
          + ",libraries,kernels,layers,precision,teacher,batch,n,p10_us,p50_us,p90_us,ten_epochs_s,"
          + "set_up_s,loss";

  private final PrintWriter csv;
  private final long limitMillis;

  private RunBenchMain(PrintWriter csv, long limitMillis) {
    this.csv = csv;
    this.limitMillis = limitMillis;
  }

  /** Runs; MILLIS is for the repeated steps of one row. */
  public static void main(String[] arguments) throws IOException {
    try (PrintWriter csv = new PrintWriter(Files.newBufferedWriter(Path.of(arguments[0])))) {
      csv.println(COLUMNS);
      long limit = arguments.length > 1 ? Long.parseLong(arguments[1]) : 500;
      RunBenchMain bench = new RunBenchMain(csv, limit);
      // The default first: it is the number that matters if time runs out.
      for (Layers layers : Layers.values()) {
        bench.run(Kernels.FUSED, layers, Precision.TF32, 64, 256, 1024);
      }
      for (Layers layers : Layers.values()) {
        bench.run(Kernels.FUSED, layers, Precision.BF16, 64, 256, 1024);
      }
      for (Layers layers : Layers.values()) {
        bench.run(Kernels.UNFUSED, layers, Precision.TF32, 64);
        bench.run(Kernels.FUSED, layers, Precision.FP32, 64);
      }
    }
  }

  private void run(Kernels kernels, Layers layers, Precision precision, int... batches) {
    String variant = "kernels %s, layers %s, %s".formatted(kernels, layers, precision);
    for (int batch : batches) {
      BackendOptions options = new BackendOptions(0, true, kernels, layers, precision, Engine.AUTO);
      try (Backend backend =
          Backends.select(new DeviceRequest.Cuda(0), options, System.out::println)) {
        RunBench bench = new RunBench(backend, IMAGES);
        for (boolean cached : new boolean[] {true, false}) {
          write(backend.info(), cached, batch, bench.measure(cached, batch, limitMillis, true));
        }
      } catch (DistillException | IllegalArgumentException e) {
        System.out.printf("%s, batch %d: %s%n", variant, batch, e.getMessage());
      }
    }
  }

  private void write(BackendInfo info, boolean cached, int batch, RunBench.Result result) {
    String device = info.device();
    int libraries = device.indexOf("cuDNN");
    csv.printf(
        Locale.ROOT,
        "%s,%s,%s,%s,%s,%s,%d,%d,%.3f,%.3f,%.3f,%.4f,%.3f,%.5f%n",
        Provenance.of(device.replaceAll("^cuda:\\d+ | \\(.*", "")),
        libraries < 0 ? "" : device.substring(libraries).replace(",", ""),
        info.kernels(),
        info.layers(),
        info.precision(),
        cached ? "cached" : "recomputed",
        batch,
        result.repeats(),
        result.p10(),
        result.p50(),
        result.p90(),
        result.tenEpochsSeconds(),
        result.setUpSeconds(),
        result.loss());
    csv.flush();
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
