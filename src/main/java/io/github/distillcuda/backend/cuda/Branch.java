package io.github.distillcuda.backend.cuda;

/** The two branches of a step that may run at the same time, each on a lane of its own. */
enum Branch {
  /** Where a step begins and ends. */
  MAIN,
  /**
   * A teacher that runs in every step, which waits for nothing that is trained; and the sums of the
   * loss and the gradients of weights, for which nothing waits but the optimizer.
   */
  SIDE;

  /**
   * Returns where the gradients of a layer's weights are computed: beside the gradient of its input
   * if one follows, else in the main branch, which has nothing else left to do.
   */
  static Branch ofWeights(boolean inputGradientFollows) {
    return inputGradientFollows ? SIDE : MAIN;
  }

  Branch other() {
    return this == MAIN ? SIDE : MAIN;
  }
}
