package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.host.HostStepState;

/** The cursor's move to the next batch. */
record AdvanceOperation(HostStepState state, int rows) implements Operation {
  @Override
  public String name() {
    return "advance";
  }

  @Override
  public void run() {
    state.advance(rows);
  }
}
