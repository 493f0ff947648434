package io.github.distillcuda.backend;

/**
 * The constants of the distillation loss {@code alpha*T^2*KL(softmax(v/T) || softmax(z/T)) +
 * (1-alpha)*CE(softmax(z), y)}.
 *
 * @param temperature T, positive and finite
 * @param alpha the weight of the distillation term, in [0, 1]; 0 does not read the teacher
 */
public record LossSpec(double temperature, double alpha) {
  /** Plain cross-entropy, which needs no teacher. */
  public static final LossSpec CROSS_ENTROPY = new LossSpec(1, 0);

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException if T is not positive and finite, or alpha leaves [0, 1]
   */
  public LossSpec {
    if (!(temperature > 0) || Double.isInfinite(temperature)) {
      throw new IllegalArgumentException("temperature " + temperature + " is not positive");
    }
    if (!(alpha >= 0 && alpha <= 1)) {
      throw new IllegalArgumentException("alpha " + alpha + " is not in [0, 1]");
    }
  }

  /** Returns whether the teacher's logits enter at all. */
  public boolean readsTeacher() {
    return alpha > 0;
  }
}
