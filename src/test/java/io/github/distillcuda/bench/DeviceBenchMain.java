package io.github.distillcuda.bench;

import io.github.distillcuda.cuda.CudaDevice;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.GraphTimer;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.gpu.Gpu;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Times the ceilings and every kernel on the GPU of this machine, and writes a row of CSV for each
 * as it comes.
 *
 * <pre>java io.github.distillcuda.bench.DeviceBenchMain ceilings|kernels FILE.csv [MILLIS [PART]]
 * </pre>
 */
public final class DeviceBenchMain {
  private static final long CEILING_BYTES = 1L << 30;
  private static final int IMAGES = 50_000;
  private static final String COLUMNS =
      Provenance.COLUMNS
          + ",operation,variant,sizes,cache,launches,n,p10_us,p50_us,p90_us,"
          + "floor_bytes,gbps,percent_of_copy";

  private final PrintWriter csv;
  private final String prefix;
  private double copyGigabytesPerSecond = Double.NaN;
  private boolean failed;

  private DeviceBenchMain(PrintWriter csv, String prefix) {
    this.csv = csv;
    this.prefix = prefix;
  }

  /**
   * Runs; MILLIS is what the replays of one row may take, PART what an operation's name must
   * contain, such as {@code vocabulary}.
   */
  public static void main(String[] arguments) throws IOException {
    boolean kernels = arguments[0].equals("kernels");
    long limit = arguments.length > 2 ? Long.parseLong(arguments[2]) : 400;
    String part = arguments.length > 3 ? arguments[3] : "";
    boolean failed;
    try (Gpu gpu = Gpu.open();
        PrintWriter csv = new PrintWriter(Files.newBufferedWriter(Path.of(arguments[1])))) {
      csv.println(COLUMNS);
      CudaDevice device = gpu.context().device();
      System.out.println(device);
      DeviceBenchMain main = new DeviceBenchMain(csv, Provenance.of(device.name()));
      main.run(gpu, kernels, limit, part);
      failed = main.failed;
    }
    System.exit(failed ? 1 : 0);
  }

  private void run(Gpu gpu, boolean kernels, long limitMillis, String part) {
    try (DeviceScope scope = new DeviceScope()) {
      DeviceBench bench = new DeviceBench(gpu, scope, limitMillis, CEILING_BYTES, IMAGES);
      List<DeviceBench.Row> ceilings = bench.ceilings();
      copyGigabytesPerSecond = DeviceCeilings.of(ceilings).copyGigabytesPerSecond();
      ceilings.forEach(this::write);
      if (kernels) {
        LossAgreement.check(bench, 64);
        for (Workload workload : KernelMatrix.all()) {
          if (workload.operation().contains(part)) {
            time(bench, workload);
          }
        }
      }
    }
  }

  /** One that fails says why, and the next follows. */
  private void time(DeviceBench bench, Workload workload) {
    try {
      bench.time(workload).forEach(this::write);
    } catch (DistillException e) {
      System.out.printf("%s %s: %s%n", workload.variant(), workload.sizes(), e.getMessage());
      failed = true;
    }
  }

  private void write(DeviceBench.Row row) {
    GraphTimer.Times times = row.times();
    double gbps = row.gigabytesPerSecond();
    csv.printf(
        Locale.ROOT,
        "%s,%s,%s,\"%s\",%s,%d,%d,%.3f,%.3f,%.3f,%d,%.1f,%.1f%n",
        prefix,
        row.operation().replace(",", ""),
        row.variant(),
        row.sizes(),
        row.cache(),
        row.launches(),
        times.replays(),
        times.p10(),
        times.p50(),
        times.p90(),
        row.floorBytes(),
        gbps,
        100 * gbps / copyGigabytesPerSecond);
    csv.flush();
    System.out.printf(
        Locale.ROOT,
        "%-30s %-48s %-60s %-5s %10.3f us %8.1f GB/s %6.1f%% of copy  n=%d%n",
        row.operation(),
        row.variant(),
        row.sizes(),
        row.cache(),
        times.p50(),
        gbps,
        100 * gbps / copyGigabytesPerSecond,
        times.replays());
  }
}
