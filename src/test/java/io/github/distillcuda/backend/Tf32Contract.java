package io.github.distillcuda.backend;

/** What {@code --precision tf32} rounds: factors of products, and nothing that is stored. */
interface Tf32Contract extends RealLayerContract, RoundedStepsContract {
  /** Both factors of a product err by up to 2^-11 of themselves, an eighth of bfloat16's 2^-8. */
  @Override
  default double stepTolerance() {
    return 0.0025;
  }
}
