package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.Lifetime;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.StageTime;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepState;
import java.util.List;

/** A list of operations that runs from its first to its last. */
final class ReferenceProgram extends Owned implements StepProgram {
  private final List<Runnable> operations;

  ReferenceProgram(Lifetime lifetime, List<Runnable> operations) {
    super(lifetime);
    this.operations = List.copyOf(operations);
  }

  @Override
  public void run(int steps) {
    lifetime().check();
    if (steps < 0) {
      throw new IllegalArgumentException(steps + " steps");
    }
    for (int step = 0; step < steps; step++) {
      for (Runnable operation : operations) {
        operation.run();
      }
    }
  }

  @Override
  public List<StageTime> timeStages(StepState state, ParameterArena student, int[] order) {
    throw new UnsupportedOperationException("the oracle is not made fast, and not timed");
  }
}
