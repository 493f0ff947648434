package io.github.distillcuda.backend;

/** What {@code --precision tf32} rounds: factors of products, and nothing that is stored. */
interface Tf32Contract extends RoundedStepsContract {
  /**
   * Both factors of a product err by up to 2^-10 of themselves where a library cuts them off, and
   * by half of that on average, all in one direction.
   */
  @Override
  default double stepTolerance() {
    return 0.0025;
  }
}
