package io.github.distillcuda.backend;

import io.github.distillcuda.backend.onednn.OnednnBackend;

class OnednnTrajectoryTest extends BackendTrajectoryTest {
  OnednnTrajectoryTest() {
    super(ContractTolerances.ONEDNN);
  }

  @Override
  Backend open(BackendOptions options) {
    return new OnednnBackend(options);
  }

  @Override
  int steps() {
    return 20;
  }

  /**
   * Float32 rounds at 6e-8; Adam's first steps turn the error of a small gradient into one of a
   * whole weight, and 20 steps of PyTorch against itself (threads, layouts) differ by up to 3e-5.
   */
  @Override
  double lossTolerance(int step) {
    return step <= 5 ? 2e-6 : 1e-4;
  }
}
