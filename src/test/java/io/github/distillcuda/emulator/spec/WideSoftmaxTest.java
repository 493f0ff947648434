package io.github.distillcuda.emulator.spec;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.emulator.LaunchReport;
import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import io.github.distillcuda.emulator.machine.Traffic;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The softmaxes of whole vocabularies: that they are right, and read each row once. */
class WideSoftmaxTest {
  @ParameterizedTest
  @CsvSource({
    "FLOAT32, 1025", "FLOAT32, 16384", "FLOAT32, 65537", "FLOAT32, 131072", "FLOAT32, 151936",
    "FLOAT32, 262144", "BFLOAT16, 1025", "BFLOAT16, 16384", "BFLOAT16, 65537", "BFLOAT16, 131072",
    "BFLOAT16, 151936", "BFLOAT16, 262144"
  })
  void areWithinTheirToleranceAndReadTheirRowOnce(ElementType type, int classes) {
    TemperatureSoftmaxWideCases.ofVocabulary(type, classes).forEach(WideSoftmaxTest::check);
  }

  private static void check(KernelCase row) {
    CaseRunner.Outcome outcome =
        CaseRunner.run(
            row, ShippedPtx.kernel(row.kernel()), Approximation.UPPER, ExecutionOrder.SHUFFLED);
    KernelSpecTest.check(row, outcome, Approximation.UPPER);
    LaunchReport report = outcome.report();
    long classes = row.sizes().get("classes");
    long floor = row.kernel().floorBytes(row.sizes());
    assertThat(report.bytesRead() + report.bytesWritten()).isEqualTo(floor);
    assertThat(report.exponentials()).as("%s", row).isLessThanOrEqualTo(classes + 16);
    assertThat(report.traffic().bankConflicts()).isZero();
    long sectors =
        report.traffic().sectors(Traffic.Kind.GLOBAL_LOAD)
            + report.traffic().sectors(Traffic.Kind.GLOBAL_STORE);
    // The one row begins at a sector; its last elements are loaded one by one.
    assertThat(sectors).as("%s", row).isLessThanOrEqualTo(floor / 32 + 100);
  }
}
