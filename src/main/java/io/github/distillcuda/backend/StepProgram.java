package io.github.distillcuda.backend;

/** A recorded step. Replaying it allocates nothing and takes everything variable from its state. */
public interface StepProgram {
  /** Returns the rows of one step. */
  int batch();

  /** Runs the step {@code steps} times; may return before the device has finished. */
  void run(int steps);
}
