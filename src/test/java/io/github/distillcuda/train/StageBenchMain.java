package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.Backends;
import io.github.distillcuda.backend.DeviceRequest;
import io.github.distillcuda.backend.cuda.RecordedStages;
import io.github.distillcuda.backend.cuda.RecordedStages.Stage;
import io.github.distillcuda.bench.DeviceCeilings;
import io.github.distillcuda.bench.PeakRates;
import io.github.distillcuda.bench.Provenance;
import io.github.distillcuda.cuda.GraphTimer;
import io.github.distillcuda.gpu.Gpu;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * Times the training step stage by stage on the first GPU in every combination, and writes a row of
 * CSV for each stage as it comes, with its floor: what its bytes take at the bandwidth of the copy,
 * what its products take at the stated peak, or a node of a graph, whichever is the most; both
 * measured in this run.
 *
 * <pre>java io.github.distillcuda.train.StageBenchMain FILE.csv [MILLIS]</pre>
 */
public final class StageBenchMain {
  private static final int IMAGES = 50_000;
  private static final long CEILING_BYTES = 1L << 30;
  private static final long CEILING_MILLIS = 200;
  private static final String COLUMNS =
      Provenance.BACKEND_COLUMNS
          + ",teacher,batch,position,network,stage,branch,kernel,nodes,repeats,n,p10_us,p50_us,"
          + "p90_us,floor_bytes,flops,copy_gbps,peak_tflops,node_us,floor_us";

  private final PrintWriter csv;
  private final DeviceCeilings ceilings;

  private StageBenchMain(PrintWriter csv, DeviceCeilings ceilings) {
    this.csv = csv;
    this.ceilings = ceilings;
  }

  /** Runs; MILLIS is for the replays of one stage. */
  public static void main(String[] arguments) throws IOException {
    long limit = arguments.length > 1 ? Long.parseLong(arguments[1]) : 25;
    DeviceCeilings ceilings;
    try (Gpu gpu = Gpu.open()) {
      ceilings = DeviceCeilings.measure(gpu, CEILING_MILLIS, CEILING_BYTES);
    }
    int failed =
        write(
            Path.of(arguments[0]),
            StepVariant.all(),
            ceilings,
            IMAGES,
            limit,
            options ->
                new Backends().select(new DeviceRequest.Cuda(0), options, System.out::println));
    System.exit(failed > 0 ? 1 : 0);
  }

  /**
   * Writes the rows of these variants; returns how many of them failed.
   *
   * @param images at least nine of the largest batches
   */
  static int write(
      Path file,
      List<StepVariant> variants,
      DeviceCeilings ceilings,
      int images,
      long limitMillis,
      Function<BackendOptions, Backend> open)
      throws IOException {
    // Flushed with each row: whoever ends the process loses none.
    try (PrintWriter csv = new PrintWriter(Files.newBufferedWriter(file), true)) {
      csv.println(COLUMNS);
      StageBenchMain main = new StageBenchMain(csv, ceilings);
      return StepVariant.measure(
          variants,
          open,
          (backend, variant) -> {
            StageBench bench = new StageBench(backend, images, limitMillis);
            for (boolean cached : new boolean[] {true, false}) {
              main.measure(backend, bench, variant, cached);
            }
          });
    }
  }

  private void measure(Backend backend, StageBench bench, StepVariant variant, boolean cached) {
    String teacher = cached ? "cached" : "recomputed";
    System.out.println(variant + ", teacher " + teacher);
    String prefix = "%s,%s,%d".formatted(Provenance.of(backend.info()), teacher, variant.batch());
    double peak =
        PeakRates.teraflops(Provenance.deviceName(backend.info()), backend.info().precision());
    bench.measure(cached, variant.batch(), row -> write(prefix, peak, row));
  }

  private void write(String prefix, double peakTeraflops, RecordedStages.Row row) {
    Stage stage = row.stage();
    GraphTimer.Times times = row.times();
    double floor =
        Math.max(
            ceilings.nodeMicros(), stage.floorBytes() / ceilings.copyGigabytesPerSecond() / 1e3);
    if (peakTeraflops > 0) {
      floor = Math.max(floor, stage.flops() / peakTeraflops / 1e6);
    }
    csv.printf(
        Locale.ROOT,
        "%s,%d,%s,\"%s\",%s,%s,%d,%d,%d,%.3f,%.3f,%.3f,%d,%d,%.1f,%.1f,%.3f,%.3f%n",
        prefix,
        stage.position(),
        stage.network(),
        stage.name(),
        stage.branch(),
        stage.kernel(),
        row.nodes(),
        row.repeats(),
        times.replays(),
        times.p10(),
        times.p50(),
        times.p90(),
        stage.floorBytes(),
        stage.flops(),
        ceilings.copyGigabytesPerSecond(),
        peakTeraflops,
        ceilings.nodeMicros(),
        floor);
    System.out.printf(
        Locale.ROOT,
        "%9.2f us (%.2f to %.2f), floor %.2f us: %s %s%n",
        times.p50(),
        times.p10(),
        times.p90(),
        floor,
        stage.network(),
        stage.name());
  }
}
