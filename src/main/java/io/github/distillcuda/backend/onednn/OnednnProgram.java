package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.StageTime;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.backend.host.HostStepState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A recorded step: a list of operations, run one after the other. */
final class OnednnProgram implements StepProgram {
  /** How often stages are timed, in at most so long. */
  private static final int TIMED_STEPS = 200;

  private static final int FEWEST_TIMED_STEPS = 10;
  private static final long TIMED_NANOSECONDS = 5_000_000_000L;

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

  /**
   * An operation runs between its neighbours as it does in training, so that it finds in the caches
   * what they left there.
   */
  @Override
  public List<StageTime> timeStages(StepState state, ParameterArena student, int[] order) {
    context.check();
    int stepsAnEpoch = order.length / batch;
    double[][] micros = new double[operations.length][TIMED_STEPS];
    int timed = 0;
    long begin = System.nanoTime();
    while (timed < TIMED_STEPS
        && (timed < FEWEST_TIMED_STEPS || System.nanoTime() - begin < TIMED_NANOSECONDS)) {
      if (timed % stepsAnEpoch == 0) {
        state.beginEpoch(order);
      }
      long before = System.nanoTime();
      for (int i = 0; i < operations.length; i++) {
        operations[i].run();
        long after = System.nanoTime();
        micros[i][timed] = (after - before) / 1e3;
        before = after;
      }
      timed++;
    }
    List<StageTime> stages = new ArrayList<>();
    for (int i = 0; i < operations.length; i++) {
      double[] sorted = Arrays.copyOf(micros[i], timed);
      Arrays.sort(sorted);
      int last = timed - 1;
      stages.add(
          new StageTime(
              operations[i].name(),
              sorted[timed / 2],
              sorted[last / 10],
              sorted[last - last / 10],
              0,
              0));
    }
    return stages;
  }
}
