package io.github.distillcuda.backend;

import java.util.List;

/** A recorded step. Replaying it allocates nothing and takes everything variable from its state. */
public interface StepProgram {
  /** Runs the step {@code steps} times; may return before the device has finished. */
  void run(int steps);

  /**
   * Times each operation of a training step by itself, in the order in which they were recorded.
   * This is for measurements: what it leaves in state and parameters is no training.
   *
   * @param state the step's
   * @param student the parameters that the step trains
   * @param order of an epoch of at least two steps
   * @throws UnsupportedOperationException if the backend does not support timing
   */
  List<StageTime> timeStages(StepState state, ParameterArena student, int[] order);
}
