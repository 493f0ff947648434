package io.github.distillcuda.emulator.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.cuda.KernelLibrary;
import io.github.distillcuda.cuda.kernels.DistillationLossUnfusedKernels;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.gpu.Gpu;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The runner for GPUs, on an emulated one: so that it works on a real one, and sees what it must.
 */
class DeviceCaseRunnerTest {
  private static final byte POISON = 0x5a;

  /** What every GPU has beside a kernel's own static memory, of the 48 KiB without asking. */
  private static final int SHARED_BYTES_OF_ALL = 32 << 10;

  @Test
  void runsTheFirstCaseOfEveryKernel() {
    EmulatedDevice device = new EmulatedDevice();
    try (Gpu gpu = Gpu.open(device.driver());
        DeviceKernels kernels = DeviceKernels.load(gpu)) {
      assertThat(kernels.absences()).isEmpty();
      assertThat(kernels.cases()).isEqualTo(KernelSpecs.byKernel());
      for (List<KernelCase> cases : kernels.cases().values()) {
        KernelCase kernelCase = cases.getFirst();
        Map<String, byte[]> guarded =
            DeviceCaseRunner.run(kernelCase, kernels.function(kernelCase), gpu, POISON);
        Map<String, byte[]> bare =
            DeviceCaseRunner.runBare(kernelCase, kernels.function(kernelCase), gpu);

        kernelCase
            .outputs()
            .forEach((name, expected) -> expected.check(guarded.get(name), kernelCase + name));
        guarded.forEach((name, bytes) -> assertThat(bare.get(name)).isEqualTo(bytes));
      }
    }
    assertThat(device.live()).isEmpty();
  }

  /**
   * On a T4, an A100 and a consumer's Blackwell what they lack is named and the rest is launched:
   * the last has clusters, but none of 16 blocks. An H100 lacks nothing.
   */
  @ParameterizedTest
  @ValueSource(ints = {75, 80, 90, 120})
  void everyGpuHasTheKernelsThatItCanRun(int capability) {
    EmulatedDevice device = new EmulatedDevice().withoutKernels().withComputeCapability(capability);
    try (Gpu gpu = Gpu.open(device.driver());
        DeviceKernels kernels = DeviceKernels.load(gpu)) {
      assertThat(kernels.cases().keySet())
          .containsAll(
              KernelSpecs.byKernel().keySet().stream()
                  .filter(symbol -> isForAll(KernelSpecs.byKernel().get(symbol), capability))
                  .toList());
      // Whoever launches what does not fit is refused.
      kernels
          .cases()
          .values()
          .forEach(
              cases ->
                  cases.forEach(
                      one -> DeviceCaseRunner.run(one, kernels.function(one), gpu, POISON)));
      Set<String> absent = new TreeSet<>(KernelSpecs.byKernel().keySet());
      absent.removeAll(kernels.cases().keySet());
      assertThat(absent.isEmpty()).isEqualTo(capability == 90);
      assertThat(absent)
          .allSatisfy(
              symbol ->
                  assertThat(kernels.absences())
                      .anySatisfy(line -> assertThat(line).contains(symbol)));
      assertThat(
              KernelCatalog.all().stream()
                  .filter(kernel -> kernel.computeCapability() > capability)
                  .map(KernelSignature::symbol))
          .allSatisfy(symbol -> assertThat(absent).contains(symbol));
    }
    assertThat(device.live()).isEmpty();
  }

  /** Whether a kernel has nothing that a GPU of its compute capability might lack. */
  private static boolean isForAll(List<KernelCase> cases, int capability) {
    KernelSignature kernel = cases.getFirst().kernel();
    return kernel.computeCapability() <= capability
        && kernel.clusterBlocks() <= KernelSignature.PORTABLE_CLUSTER_BLOCKS
        && cases.stream()
            .allMatch(one -> kernel.launch(one.sizes()).sharedBytes() <= SHARED_BYTES_OF_ALL);
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
