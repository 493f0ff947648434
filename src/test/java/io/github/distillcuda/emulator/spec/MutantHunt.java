package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.LaunchConfig;
import io.github.distillcuda.emulator.EmulatedKernel;
import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs mutants of one kernel on its cases until one tells them from the kernel: cheap cases first,
 * and before those the ones that have found a mutant already; of all only those in which the kernel
 * executes what was changed.
 */
final class MutantHunt {
  /** How often an instruction may be executed by a warp, on average, before a launch is endless. */
  private static final long LONGEST_LOOP = 64;

  private final List<KernelCase> cases;
  private final Map<KernelCase, BitSet> executed = new HashMap<>();

  MutantHunt(String symbol) {
    cases = new ArrayList<>(KernelSpecs.byKernel().get(symbol));
    cases.sort(Comparator.comparingLong(MutantHunt::threads));
  }

  private static long threads(KernelCase kernelCase) {
    LaunchConfig launch = kernelCase.kernel().launch(kernelCase.sizes());
    return (long) launch.gridX() * launch.gridY() * launch.threads();
  }

  /** Whether a case executes what was changed. */
  boolean isReached(Mutant mutant) {
    return cases.stream().anyMatch(kernelCase -> isReached(mutant, kernelCase));
  }

  private boolean isReached(Mutant mutant, KernelCase kernelCase) {
    return executed.computeIfAbsent(kernelCase, MutantHunt::runShipped).get(mutant.position());
  }

  /** Whether no case finds the mutant. */
  boolean isSurvivor(Mutant mutant) {
    EmulatedKernel kernel = mutant.kernel();
    for (KernelCase kernelCase : cases) {
      if (isReached(mutant, kernelCase)
          && !passes(kernelCase, kernel, mutant.entry().instructions().size())) {
        cases.remove(kernelCase);
        cases.addFirst(kernelCase);
        return false;
      }
    }
    return true;
  }

  /** What the kernel itself executes; it must pass, or else the case would find everything. */
  private static BitSet runShipped(KernelCase kernelCase) {
    EmulatedKernel kernel = ShippedPtx.kernel(kernelCase.kernel());
    CaseRunner.Outcome outcome =
        CaseRunner.run(kernelCase, kernel, Approximation.EXACT, ExecutionOrder.FORWARD);
    KernelSpecTest.check(kernelCase, outcome, Approximation.EXACT);
    return outcome.report().executed();
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
