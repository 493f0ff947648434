package io.github.distillcuda.emulator.spec;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.KernelFunction;
import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import io.github.distillcuda.gpu.Gpu;
import io.github.distillcuda.gpu.OnGpu;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every shipped kernel that a GPU has does on it what its cases say, twice with the same bits. */
@OnGpu
class DeviceKernelSpecTest {
  private static final byte NAN = (byte) 0xff;
  private static final byte SOME_NUMBER = 0x3e;

  private static Gpu gpu;
  private static DeviceKernels kernels;

  @BeforeAll
  static void openGpu() {
    gpu = Gpu.open();
    kernels = DeviceKernels.load(gpu);
    kernels.absences().forEach(line -> System.out.println("not on this GPU: " + line));
  }

  @AfterAll
  static void closeGpu() {
    if (kernels != null) {
      kernels.close();
    }
    if (gpu != null) {
      gpu.close();
    }
  }

  static Set<String> kernels() {
    return kernels.cases().keySet();
  }

  /** The second run finds other bytes in its outputs, so one that is not written shows. */
  @ParameterizedTest
  @MethodSource("kernels")
  void isWithinItsToleranceAndRepeatable(String symbol) {
    for (KernelCase kernelCase : kernels.cases().get(symbol)) {
      KernelFunction kernel = kernels.function(kernelCase);
      Map<String, byte[]> first = DeviceCaseRunner.run(kernelCase, kernel, gpu, NAN);
      Map<String, byte[]> second = DeviceCaseRunner.run(kernelCase, kernel, gpu, SOME_NUMBER);

      kernelCase
          .outputs()
          .forEach(
              (name, expected) -> expected.check(first.get(name), kernelCase + " on GPU: " + name));
      first.forEach(
          (name, bytes) ->
              assertThat(second.get(name))
                  .as("%s, %s, second run", kernelCase, name)
                  .isEqualTo(bytes));
    }
  }

  static Set<String> exactKernels() {
    Set<String> symbols = new TreeSet<>(kernels());
    symbols.removeIf(
        symbol -> ShippedPtx.isApproximate(kernels.cases().get(symbol).getFirst().kernel()));
    return symbols;
  }

  /** Without approximate instructions there is only one right answer: that of the emulator. */
  @ParameterizedTest
  @MethodSource("exactKernels")
  void givesTheBitsOfTheEmulator(String symbol) {
    for (KernelCase kernelCase : kernels.cases().get(symbol)) {
      Map<String, byte[]> device =
          DeviceCaseRunner.run(kernelCase, kernels.function(kernelCase), gpu, NAN);
      CaseRunner.Outcome emulated =
          CaseRunner.run(
              kernelCase,
              ShippedPtx.kernel(kernelCase.kernel()),
              Approximation.EXACT,
              ExecutionOrder.FORWARD);

      kernelCase
          .outputs()
          .forEach(
              (name, expected) ->
                  expected
                      .bitsOf(emulated.outputs().get(name))
                      .check(device.get(name), kernelCase + " against the emulator: " + name));
    }
  }
}
