package io.github.distillcuda.emulator.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.cuda.KernelLibrary;
import io.github.distillcuda.cuda.kernels.DistillationLossUnfusedKernels;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.gpu.Gpu;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * The runner for GPUs, on an emulated one: so that it works on a real one, and sees what it must.
 */
class DeviceCaseRunnerTest {
  private static final byte POISON = 0x5a;

  @Test
  void runsTheFirstCaseOfEveryKernel() {
    EmulatedDevice device = new EmulatedDevice();
    try (Gpu gpu = Gpu.open(device.driver());
        KernelLibrary kernels = KernelLibrary.load(gpu.context(), KernelCatalog.all())) {
      for (List<KernelCase> cases : KernelSpecs.byKernel().values()) {
        KernelCase kernelCase = cases.getFirst();
        Map<String, byte[]> guarded =
            DeviceCaseRunner.run(kernelCase, kernels.function(kernelCase.kernel()), gpu, POISON);
        Map<String, byte[]> bare =
            DeviceCaseRunner.runBare(kernelCase, kernels.function(kernelCase.kernel()), gpu);

        kernelCase
            .outputs()
            .forEach((name, expected) -> expected.check(guarded.get(name), kernelCase + name));
        guarded.forEach((name, bytes) -> assertThat(bare.get(name)).isEqualTo(bytes));
      }
    }
    assertThat(device.live()).isEmpty();
  }

  /** The kernel is told of one element more than the array has. */
  @Test
  void seesAWriteBehindAnArray() {
    assertFails(
        new KernelCase(DistillationLossUnfusedKernels.FILL, KernelSizes.of("n", 9), "too many")
            .value("value", 1)
            .out("y", Expected.floats(1, 1, 1, 1, 1, 1, 1, 1)),
        "byte 32 of y (32 bytes) was written");
  }

  @Test
  void seesAWriteToAnInput() {
    assertFails(
        new KernelCase(DistillationLossUnfusedKernels.FILL, KernelSizes.of("n", 2), "an input")
            .value("value", 1)
            .in("y", 5, 6),
        "byte 0 of y (8 bytes) was written");
  }

  @Test
  void leavesThePoisonWhereNothingIsWritten() {
    KernelCase kernelCase =
        new KernelCase(DistillationLossUnfusedKernels.FILL, KernelSizes.of("n", 1), "too few")
            .value("value", 1)
            .out("y", Expected.bytes(new byte[8]));
    try (Gpu gpu = Gpu.open(new EmulatedDevice().driver());
        KernelLibrary kernels =
            KernelLibrary.load(gpu.context(), List.of(DistillationLossUnfusedKernels.FILL))) {
      byte[] y =
          DeviceCaseRunner.run(
                  kernelCase, kernels.function(DistillationLossUnfusedKernels.FILL), gpu, POISON)
              .get("y");

      assertThat(y).endsWith(POISON, POISON, POISON, POISON);
    }
  }

  private static void assertFails(KernelCase kernelCase, String message) {
    try (Gpu gpu = Gpu.open(new EmulatedDevice().driver());
        KernelLibrary kernels = KernelLibrary.load(gpu.context(), List.of(kernelCase.kernel()))) {
      assertThatThrownBy(
              () ->
                  DeviceCaseRunner.run(
                      kernelCase, kernels.function(kernelCase.kernel()), gpu, POISON))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining(message);
    }
  }
}
