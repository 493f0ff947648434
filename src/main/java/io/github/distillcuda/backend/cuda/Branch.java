package io.github.distillcuda.backend.cuda;

/** The two branches of a step that may run at the same time, each on a lane of its own. */
enum Branch {
  /** Where a step begins and ends. */
  MAIN,
  /** What depends on nothing that is trained: a teacher that runs in every step. */
  SIDE;

  Branch other() {
    return this == MAIN ? SIDE : MAIN;
  }
}
