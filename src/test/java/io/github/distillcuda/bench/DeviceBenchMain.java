package io.github.distillcuda.bench;

import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.GraphTimer;
import io.github.distillcuda.gpu.Gpu;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * Times the ceilings and every kernel on the GPU of this machine, and writes a row of CSV for each
 * as it comes.
 *
 * <pre>
 * java io.github.distillcuda.bench.DeviceBenchMain ceilings|kernels FILE.csv [MILLIS [PART...]]
 * </pre>
 */
public final class DeviceBenchMain {
  private static final long CEILING_BYTES = 1L << 30;
  private static final int IMAGES = 50_000;
  private static final int COMPARED_ROWS = 64;
  private static final String COLUMNS =
      Provenance.COLUMNS
          + ",operation,variant,sizes,cache,launches,n,p10_us,p50_us,p90_us,"
          + "floor_bytes,gbps,percent_of_copy";

  private final DeviceBench bench;
  private final PrintWriter csv;
  private final String prefix;
  private double copyGigabytesPerSecond = Double.NaN;

  private DeviceBenchMain(DeviceBench bench, PrintWriter csv, String prefix) {
    this.bench = bench;
    this.csv = csv;
    this.prefix = prefix;
  }

  /**
   * Runs; MILLIS is what the replays of one row may take. Each PART is a regular expression to be
   * found in "operation variant sizes": those of the first are timed first, those of none are not.
   */
  public static void main(String[] arguments) throws IOException {
    long limit = arguments.length > 2 ? Long.parseLong(arguments[2]) : 400;
    List<Workload> workloads = List.of();
    if (arguments[0].equals("kernels")) {
      workloads =
          arguments.length > 3
              ? inOrder(KernelMatrix.all(), List.of(arguments).subList(3, arguments.length))
              : KernelMatrix.all();
    }
    int failed;
    try (Gpu gpu = Gpu.open();
        DeviceScope scope = new DeviceScope();
        PrintWriter csv = new PrintWriter(Files.newBufferedWriter(Path.of(arguments[1])))) {
      System.out.println(gpu.context().device());
      DeviceBench bench = new DeviceBench(gpu, scope, limit, CEILING_BYTES, IMAGES);
      failed =
          write(
              bench,
              csv,
              Provenance.of(gpu.context().device().name()),
              workloads,
              () -> LossAgreement.of(bench, COMPARED_ROWS));
    }
    System.exit(failed > 0 ? 1 : 0);
  }

  /** Returns the workloads that any of the parts is found in, part by part, each once. */
  static List<Workload> inOrder(List<Workload> workloads, List<String> parts) {
    List<Workload> rest = new ArrayList<>(workloads);
    List<Workload> chosen = new ArrayList<>();
    for (String part : parts) {
      Predicate<String> found = Pattern.compile(part).asPredicate();
      Predicate<Workload> wanted = workload -> found.test(described(workload));
      rest.stream().filter(wanted).forEach(chosen::add);
      rest.removeIf(wanted);
    }
    return chosen;
  }

  private static String described(Workload workload) {
    return workload.operation() + " " + workload.variant() + " " + workload.sizes();
  }

  /**
   * Writes the rows of the ceilings and of these workloads. One that fails, or is a form of the
   * loss whose gradient is like no other's, says why and has no row; the next follows.
   *
   * @return how many have none
   */
  static int write(
      DeviceBench bench,
      PrintWriter csv,
      String prefix,
      List<Workload> workloads,
      Supplier<LossAgreement> agreement) {
    DeviceBenchMain main = new DeviceBenchMain(bench, csv, prefix);
    csv.println(COLUMNS);
    List<DeviceBench.Row> ceilings = bench.ceilings();
    main.copyGigabytesPerSecond = DeviceCeilings.of(ceilings).copyGigabytesPerSecond();
    ceilings.forEach(main::write);
    if (workloads.isEmpty()) {
      return 0;
    }
    LossAgreement agreed = agreement.get();
    agreed.complaints().forEach(line -> System.out.println("not timed: " + line));
    int failed = 0;
    for (Workload workload : workloads) {
      if (!agreed.covers(workload) || !main.time(workload)) {
        failed++;
      }
    }
    return failed;
  }

  /** Whatever is wrong with a kernel costs its own rows: returns whether it has any. */
  private boolean time(Workload workload) {
    try {
      bench.time(workload).forEach(this::write);
      return true;
    } catch (RuntimeException | AssertionError e) {
      System.out.printf("not timed: %s %s: %s%n", workload.variant(), workload.sizes(), e);
      return false;
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
