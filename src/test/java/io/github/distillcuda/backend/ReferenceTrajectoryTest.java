package io.github.distillcuda.backend;

import io.github.distillcuda.backend.reference.ReferenceBackend;

class ReferenceTrajectoryTest extends BackendTrajectoryTest {
  /**
   * Float64 against float64: both round at 1e-16, only in another order. 100 steps make 1e-14 of it
   * in the losses; a thousand times as much is allowed, for another machine's exp and log, and a
   * constant of Adam that is wrong in its sixth digit shows at 1e-8.
   */
  private static final double TOLERANCE = 1e-11;

  ReferenceTrajectoryTest() {
    super(ContractTolerances.REFERENCE);
  }

  @Override
  Backend open(BackendOptions options) {
    return new ReferenceBackend(options);
  }

  @Override
  int steps() {
    return GoldenTraining.STEPS;
  }

  @Override
  double lossTolerance(int step) {
    return TOLERANCE;
  }

  /**
   * Absolute: a step moves a weight by up to 1e-3, and relative to a weight near 0 says nothing.
   */
  @Override
  void afterTheLastStep(GoldenTraining training) {
    Numbers.assertWithin(
        i -> TOLERANCE,
        training.parameters(),
        Golden.doubles("training.parameters"),
        "final parameters");
  }
}
