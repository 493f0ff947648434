package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.host.HostStepState;
import java.util.List;

/** A recorded step: a list of operations, run one after the other. */
final class OnednnProgram implements StepProgram {
  private final OnednnContext context;
  private final int batch;
  private final Operation[] operations;
  private final List<HostStepState> states;

  /**
   * A program.
   *
   * @param states what its gathers read, each advanced by the program
   */
  OnednnProgram(
      OnednnContext context, int batch, List<Operation> operations, List<HostStepState> states) {
    this.context = context;
    this.batch = batch;
    this.operations = operations.toArray(Operation[]::new);
    this.states = List.copyOf(states);
  }

  @Override
  public int batch() {
    return batch;
  }

  /** Returns the operations in order. */
  List<Operation> operations() {
    return List.of(operations);
  }

  /**
   * Runs the step to its end.
   *
   * @throws IllegalStateException if an epoch has fewer images left than the steps would gather;
   *     nothing has run then
   */
  @Override
  public void run(int steps) {
    context.check();
    for (HostStepState state : states) {
      if ((long) steps * batch > state.remaining()) {
        throw new IllegalStateException(
            "%d steps of %d images, but %d are left in the epoch"
                .formatted(steps, batch, state.remaining()));
      }
    }
    for (int step = 0; step < steps; step++) {
      for (Operation operation : operations) {
        operation.run();
      }
    }
    context.api().dnnl_stream_wait(context.lane().stream());
  }
}
