package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.emulator.LaunchReport;
import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import io.github.distillcuda.emulator.machine.Traffic;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * What one launch of a kernel did: a row of {@code kernels/counts.csv}.
 *
 * @param instructions of all threads
 * @param exponentials of all threads
 * @param bytes distinct bytes of global memory, read and written
 * @param floor each input and each required output once
 */
record KernelCounts(
    String kernel,
    String sizes,
    long instructions,
    long exponentials,
    double sectorsALoad,
    double sectorsAStore,
    long bankConflicts,
    long divergentBranches,
    long bytes,
    long floor) {
  static final String HEADER =
      "kernel,sizes,instructions,exponentials,sectors a load,sectors a store,bank conflicts,"
          + "divergent branches,bytes,floor";

  static KernelCounts of(KernelCase kernelCase) {
    LaunchReport report =
        CaseRunner.run(
                kernelCase,
                ShippedPtx.kernel(kernelCase.kernel()),
                Approximation.EXACT,
                ExecutionOrder.FORWARD)
            .report();
    String[] absent =
        kernelCase.kernel().pointers().stream()
            .map(pointer -> pointer.name())
            .filter(kernelCase::isNull)
            .toArray(String[]::new);
    return new KernelCounts(
        kernelCase.kernel().symbol(),
        describe(kernelCase.sizes()),
        report.threadInstructions(),
        report.exponentials(),
        sectorsARequest(report, Traffic.Kind.GLOBAL_LOAD),
        sectorsARequest(report, Traffic.Kind.GLOBAL_STORE),
        report.traffic().bankConflicts(),
        report.divergentBranches(),
        report.bytesRead() + report.bytesWritten(),
        kernelCase.kernel().floorBytes(kernelCase.sizes(), absent));
  }

  /** {@code classes=10 rows=64}: without commas. */
  static String describe(KernelSizes sizes) {
    return sizes.toString().replaceAll("[{},]", "");
  }

  private static double sectorsARequest(LaunchReport report, Traffic.Kind kind) {
    long requests = report.traffic().requests(kind);
    return requests == 0 ? 0 : (double) report.traffic().sectors(kind) / requests;
  }

  String toCsv() {
    return String.format(
        Locale.ROOT,
        "%s,%s,%d,%d,%.3f,%.3f,%d,%d,%d,%d",
        kernel,
        sizes,
        instructions,
        exponentials,
        sectorsALoad,
        sectorsAStore,
        bankConflicts,
        divergentBranches,
        bytes,
        floor);
  }

  static Stream<KernelCounts> all() {
    return KernelSpecs.counted().map(KernelCounts::of);
  }
}
