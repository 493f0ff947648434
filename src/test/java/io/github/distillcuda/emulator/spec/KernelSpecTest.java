package io.github.distillcuda.emulator.spec;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.emulator.EmulatedKernel;
import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every shipped kernel does what its cases say, on the very PTX that ships. */
@Execution(ExecutionMode.CONCURRENT)
class KernelSpecTest {
  static Set<String> kernels() {
    return KernelSpecs.byKernel().keySet();
  }

  @Test
  void everyShippedKernelHasCases() {
    Set<String> shipped =
        KernelCatalog.all().stream()
            .map(KernelSignature::symbol)
            .collect(Collectors.toCollection(TreeSet::new));

    assertThat(kernels()).isEqualTo(shipped);
  }

  /** Whatever the approximate instructions return within their bounds. */
  @ParameterizedTest
  @MethodSource("kernels")
  void isWithinItsTolerance(String symbol) {
    for (KernelCase kernelCase : KernelSpecs.byKernel().get(symbol)) {
      EmulatedKernel kernel = ShippedPtx.kernel(kernelCase.kernel());
      for (Approximation approximation : Approximation.values()) {
        CaseRunner.Outcome outcome =
            CaseRunner.run(kernelCase, kernel, approximation, ExecutionOrder.FORWARD);
        check(kernelCase, outcome, approximation);
      }
    }
  }

  static Set<String> kernelsOfRows() {
    return KernelSpecs.ofManyRows().keySet();
  }

  @ParameterizedTest
  @MethodSource("kernelsOfRows")
  void isWithinItsToleranceWithManyRows(String symbol) {
    for (LargeCase large : KernelSpecs.ofManyRows().get(symbol)) {
      KernelCase kernelCase = large.make().get();
      EmulatedKernel kernel = ShippedPtx.kernel(large.kernel());
      for (Approximation approximation : Approximation.values()) {
        CaseRunner.Outcome outcome =
            CaseRunner.run(kernelCase, kernel, approximation, ExecutionOrder.SHUFFLED);
        check(kernelCase, outcome, approximation);
      }
    }
  }

  /** Whatever order blocks, warps and atomic lanes run in. */
  @ParameterizedTest
  @MethodSource("kernels")
  void givesTheSameBitsInEveryOrder(String symbol) {
    for (KernelCase kernelCase : KernelSpecs.byKernel().get(symbol)) {
      EmulatedKernel kernel = ShippedPtx.kernel(kernelCase.kernel());
      Map<String, byte[]> forward =
          CaseRunner.run(kernelCase, kernel, Approximation.EXACT, ExecutionOrder.FORWARD).outputs();
      for (ExecutionOrder order :
          new ExecutionOrder[] {ExecutionOrder.REVERSE, ExecutionOrder.SHUFFLED}) {
        Map<String, byte[]> other =
            CaseRunner.run(kernelCase, kernel, Approximation.EXACT, order).outputs();
        forward.forEach(
            (name, bytes) ->
                assertThat(other.get(name))
                    .as("%s, %s, %s", kernelCase, name, order)
                    .isEqualTo(bytes));
      }
    }
  }

  static void check(
      KernelCase kernelCase, CaseRunner.Outcome outcome, Approximation approximation) {
    kernelCase
        .outputs()
        .forEach(
            (name, expected) ->
                expected.check(
                    outcome.outputs().get(name),
                    "%s, approximations %s: %s".formatted(kernelCase, approximation, name)));
  }
}
