package io.github.distillcuda.backend;

/**
 * What {@code --precision tf32} rounds: factors of products, to 11 bits of significand. Small whole
 * numbers stay what they are.
 */
interface Tf32Contract extends RealLayerContract, RoundedTrainingContract {
  /** An eighth of what bfloat16 has, whose factors err by eight times as much. */
  @Override
  default double lossTolerance() {
    return 0.0025;
  }
}
