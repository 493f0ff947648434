package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.gpu.Gpu;
import java.util.List;
import java.util.Map;

/**
 * A few cases of every kernel that a GPU has, for NVIDIA's compute-sanitizer to look at, which is
 * slow: the first, the last and some between. Fails where a result is wrong.
 */
public final class SanitizedCases {
  private static final int CASES_PER_KERNEL = 4;

  private SanitizedCases() {}

  /** Runs; prints how many cases there were up to each kernel, for a time limit may end it. */
  public static void main(String[] arguments) {
    int count = 0;
    try (Gpu gpu = Gpu.open();
        DeviceKernels kernels = DeviceKernels.load(gpu)) {
      kernels.absences().forEach(line -> System.out.println("not on this GPU: " + line));
      for (List<KernelCase> cases : kernels.cases().values()) {
        int chosen = Math.min(CASES_PER_KERNEL, cases.size());
        for (int i = 0; i < chosen; i++) {
          KernelCase kernelCase =
              cases.get(chosen == 1 ? 0 : i * (cases.size() - 1) / (chosen - 1));
          check(
              kernelCase, DeviceCaseRunner.runBare(kernelCase, kernels.function(kernelCase), gpu));
          count++;
        }
        System.out.println(count + " cases, " + cases.getFirst().kernel().symbol());
      }
    }
    System.out.println(count + " cases");
  }

  private static void check(KernelCase kernelCase, Map<String, byte[]> outputs) {
    kernelCase
        .outputs()
        .forEach((name, expected) -> expected.check(outputs.get(name), kernelCase + ": " + name));
  }
}
