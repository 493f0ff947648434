package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.LaunchConfig;
import io.github.distillcuda.emulator.EmulatedKernel;
import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.machine.Approximation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Runs mutants of one kernel on its cases until one tells them from the kernel: cheap cases first,
 * and before those the ones that have found a mutant already.
 */
final class MutantHunt {
  /** How often an instruction may be executed by a warp, on average, before a launch is endless. */
  private static final long LONGEST_LOOP = 64;

  private final List<KernelCase> cases;
  private final Set<KernelCase> provenCases = new HashSet<>();

  MutantHunt(String symbol) {
    cases = new ArrayList<>(KernelSpecs.byKernel().get(symbol));
    cases.sort(Comparator.comparingLong(MutantHunt::threads));
  }

  private static long threads(KernelCase kernelCase) {
    LaunchConfig launch = kernelCase.kernel().launch(kernelCase.sizes());
    return (long) launch.gridX() * launch.gridY() * launch.threads();
  }

  /** Whether no case finds the mutant. */
  boolean isSurvivor(Mutant mutant) {
    EmulatedKernel kernel = mutant.kernel();
    for (KernelCase kernelCase : cases) {
      if (!passes(kernelCase, kernel, mutant.entry().instructions().size())) {
        cases.remove(kernelCase);
        cases.add(0, kernelCase);
        proveThatTheKernelPasses(kernelCase, mutant);
        return false;
      }
    }
    return true;
  }

  /** Or else the case would find everything. */
  private void proveThatTheKernelPasses(KernelCase kernelCase, Mutant mutant) {
    int instructions = mutant.entry().instructions().size();
    if (provenCases.add(kernelCase)
        && !passes(kernelCase, ShippedPtx.kernel(kernelCase.kernel()), instructions)) {
      throw new AssertionError(kernelCase + " fails without a mutation");
    }
  }

  private static boolean passes(KernelCase kernelCase, EmulatedKernel kernel, int instructions) {
    long warps = Math.max(1, threads(kernelCase) / 32);
    try {
      KernelSpecTest.check(
          kernelCase,
          CaseRunner.run(kernelCase, kernel, LONGEST_LOOP * instructions * warps),
          Approximation.EXACT);
      return true;
    } catch (EmulatorFault | AssertionError e) {
      return false;
    }
  }
}
