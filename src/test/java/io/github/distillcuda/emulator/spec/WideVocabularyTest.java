package io.github.distillcuda.emulator.spec;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.kernels.DistillationLossFusedKernels;
import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.emulator.EmulatedKernel;
import io.github.distillcuda.emulator.LaunchReport;
import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import io.github.distillcuda.emulator.machine.Traffic;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The loss of whole vocabularies: that it is right, and what it costs by counting. */
class WideVocabularyTest {
  /** Those whose rows are held; in float32 larger ones are streamed. */
  static Stream<Arguments> vocabularies() {
    return Stream.of(ElementType.FLOAT32, ElementType.BFLOAT16)
        .flatMap(
            type ->
                Stream.of(32_768, 65_537, 131_072, 151_936, 262_144)
                    .filter(classes -> type == ElementType.BFLOAT16 || classes <= 131_072)
                    .map(classes -> Arguments.of(type, classes)));
  }

  /** At both ends of what the approximate instructions may return, and in two orders. */
  @ParameterizedTest
  @MethodSource("vocabularies")
  void isWithinItsToleranceAndReadsItsRowOnce(ElementType type, int classes) {
    KernelCase row = DistillationLossWideCases.selected(type, 1, classes);
    EmulatedKernel kernel = ShippedPtx.kernel(row.kernel());
    CaseRunner.Outcome lower =
        CaseRunner.run(row, kernel, Approximation.LOWER, ExecutionOrder.FORWARD);
    KernelSpecTest.check(row, lower, Approximation.LOWER);
    CaseRunner.Outcome upper =
        CaseRunner.run(row, kernel, Approximation.UPPER, ExecutionOrder.SHUFFLED);
    KernelSpecTest.check(row, upper, Approximation.UPPER);
    checkCounts(row, lower.report(), type == ElementType.FLOAT32 ? 3 : 2);
  }

  /** The largest rows in float32, of which each thread adds up hundreds of elements. */
  @ParameterizedTest
  @ValueSource(ints = {151_936, 262_144})
  void streamedRowsAreWithinTheirTolerance(int classes) {
    KernelCase row = DistillationLossWideCases.selected(ElementType.FLOAT32, 1, classes);
    EmulatedKernel kernel = ShippedPtx.kernel(row.kernel());
    for (Approximation approximation :
        new Approximation[] {Approximation.LOWER, Approximation.UPPER}) {
      CaseRunner.Outcome outcome =
          CaseRunner.run(row, kernel, approximation, ExecutionOrder.FORWARD);
      KernelSpecTest.check(row, outcome, approximation);
    }
  }

  /** Kernels of one block, and where rows are streamed the second read as the first. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "BFLOAT16"})
  void shorterRowsCostNoMore(ElementType type) {
    for (int classes : new int[] {1025, 4099, 16_384}) {
      KernelCase rows = DistillationLossWideCases.selected(type, 2, classes);
      CaseRunner.Outcome outcome =
          CaseRunner.run(
              rows, ShippedPtx.kernel(rows.kernel()), Approximation.EXACT, ExecutionOrder.FORWARD);
      checkCounts(rows, outcome.report(), type == ElementType.FLOAT32 ? 3 : 2);
    }
  }

  private static void checkCounts(KernelCase rows, LaunchReport report, int exponentials) {
    KernelSizes sizes = rows.sizes();
    long floor = rows.kernel().floorBytes(sizes);
    long elements = sizes.product("rows", "classes");
    int elementBytes = rows.kernel().pointers().getFirst().element().bytes();
    Traffic traffic = report.traffic();

    long rowsOf = sizes.get("rows");
    // The vectors at the ends of a row have places without a class.
    assertThat(report.exponentials()).isLessThanOrEqualTo(exponentials * (elements + 16 * rowsOf));
    assertThat(report.bytesRead() + report.bytesWritten()).isEqualTo(floor);
    assertThat(traffic.bankConflicts()).isZero();
    // A request of a warp is 512 bytes, 16 sectors; in a row that begins within a sector 17. Beside
    // them each warp asks for the label and the number of labelled rows.
    boolean cutsSectors = sizes.get("classes") * elementBytes % 32 != 0;
    double ofMatrices = 3.0 * elements * elementBytes / 32 * (cutsSectors ? 17 / 16.0 : 1);
    long ofNumbers = 80L * rows.kernel().launch(sizes).gridX();
    long sectors =
        traffic.sectors(Traffic.Kind.GLOBAL_LOAD) + traffic.sectors(Traffic.Kind.GLOBAL_STORE);
    assertThat((double) sectors).isLessThanOrEqualTo(ofMatrices + ofNumbers);
  }

  /** By sectors, which caches do not hide: five accesses an element in place of three. */
  @ParameterizedTest
  @CsvSource({"FLOAT32, streamed", "BFLOAT16, streamed", "FLOAT32, two_pass", "BFLOAT16, two_pass"})
  void rowsThatNobodyHoldsAreReadTwice(ElementType type, String range) {
    KernelSignature kernel = DistillationLossWideCases.kernel(type, range);
    KernelCase rows =
        DistillationLossWideCases.of(
            kernel, DistillationLossWideCases.random(type, 2, 65_536, 1), 2, 0.7f);
    LaunchReport report =
        CaseRunner.run(rows, ShippedPtx.kernel(kernel), Approximation.EXACT, ExecutionOrder.FORWARD)
            .report();
    long elements = rows.sizes().product("rows", "classes");
    long sectorsOfMatrix = elements * type.bytes() / 32;

    assertThat(report.exponentials()).isLessThanOrEqualTo(4 * elements);
    assertThat(report.bytesRead() + report.bytesWritten())
        .isEqualTo(kernel.floorBytes(rows.sizes()));
    assertThat(report.traffic().sectors(Traffic.Kind.GLOBAL_LOAD))
        .isBetween(4 * sectorsOfMatrix, 4 * sectorsOfMatrix + 200);
    assertThat(report.traffic().sectors(Traffic.Kind.GLOBAL_STORE))
        .isBetween(sectorsOfMatrix, sectorsOfMatrix + 200);
    assertThat(report.traffic().bankConflicts()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "FLOAT32, 10, 75, 49152, c32", // a warp for each of few rows
    "FLOAT32, 1025, 75, 65536, c2048",
    "FLOAT32, 16384, 75, 65536, streamed", // 1024 threads would want 65 KiB
    "FLOAT32, 16384, 80, 166912, c16384",
    "FLOAT32, 16385, 80, 166912, streamed",
    "FLOAT32, 16385, 90, 232448, c32768",
    "FLOAT32, 131072, 90, 232448, c131072",
    "FLOAT32, 131073, 90, 232448, streamed", // faster than a cluster of 16 blocks of 1,024
    "BFLOAT16, 262144, 90, 232448, c262144",
    "BFLOAT16, 262145, 90, 232448, streamed",
    "BFLOAT16, 10, 80, 166912, c2048",
    "BFLOAT16, 128256, 89, 101376, streamed",
    "BFLOAT16, 128256, 90, 232448, c131072",
  })
  void theFirstKernelThatTheGpuCanRunIsSelected(
      ElementType type, int classes, int capability, int sharedBytes, String range) {
    KernelSizes sizes = KernelSizes.of("rows", 8, "classes", classes);
    KernelSignature kernel =
        KernelCatalog.select(DistillationLossFusedKernels.of(type), sizes, capability, sharedBytes);
    assertThat(kernel.symbol()).contains("_" + range + "_");
  }
}
