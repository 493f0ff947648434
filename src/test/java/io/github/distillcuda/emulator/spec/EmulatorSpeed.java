package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.emulator.EmulatedKernel;
import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Prints how many thread instructions a second the emulator executes with all of its checks, memory
 * and arguments set up anew for each launch. It counts the processor time of the thread in the
 * fastest launch: what else runs on the machine makes launches slower, never faster. No test: its
 * name keeps it out of a build, {@code mvn test -Dtest=EmulatorSpeed} runs it.
 */
class EmulatorSpeed {
  private static final Set<String> KERNELS =
      Set.of(
          "distillation_loss_c16_fused_f32_v3",
          "distillation_loss_c128_fused_f32_v6",
          "distillation_loss_c1024_fused_f32_v4",
          "temperature_softmax_c128_fused_f32_v1",
          "gather_nchw_fused_f32_v2",
          "bias_relu_pool_nchw_fused_f32_v2",
          "bias_relu_backward_fused_f32_v1",
          "adam_fused_f32_v2",
          "row_sums_fused_f32_v1",
          "filter_gradient_partials_nchw_fused_f32_v1",
          "image_convolution_pool_nchw_fused_f32_v1");

  /** The first rounds let the JVM compile. */
  private static final int ROUNDS = 4;

  private static final double SECONDS = 1;

  private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();

  @Test
  void measure() {
    Map<String, KernelCase> cases = new LinkedHashMap<>();
    KernelSpecs.counted()
        .filter(kernelCase -> KERNELS.contains(kernelCase.kernel().symbol()))
        .forEach(kernelCase -> cases.put(kernelCase.kernel().symbol(), kernelCase)); // the largest
    for (int round = 1; round <= ROUNDS; round++) {
      System.out.printf("round %d, million thread instructions a second%n", round);
      for (KernelCase kernelCase : cases.values()) {
        System.out.printf("%8.0f %s%n", millionsASecond(kernelCase), kernelCase);
      }
    }
  }

  private double millionsASecond(KernelCase kernelCase) {
    EmulatedKernel kernel = ShippedPtx.kernel(kernelCase.kernel());
    long end = threads.getCurrentThreadCpuTime() + (long) (SECONDS * 1e9);
    double fastest = 0;
    long start;
    while ((start = threads.getCurrentThreadCpuTime()) < end) {
      long instructions =
          CaseRunner.run(kernelCase, kernel, Approximation.EXACT, ExecutionOrder.FORWARD)
              .report()
              .threadInstructions();
      double seconds = (threads.getCurrentThreadCpuTime() - start) / 1e9;
      fastest = Math.max(fastest, instructions / seconds / 1e6);
    }
    return fastest;
  }
}
