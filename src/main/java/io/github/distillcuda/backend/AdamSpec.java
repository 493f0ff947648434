package io.github.distillcuda.backend;

/**
 * The constants of Adam (Kingma and Ba 2015) without weight decay; {@code epsilon} is added after
 * the bias correction, as PyTorch does: {@code p -= lr/(1-beta1^t) * m / (sqrt(v)/sqrt(1-beta2^t) +
 * epsilon)}.
 *
 * @param learningRate step size, positive
 * @param beta1 decay of the first moment
 * @param beta2 decay of the second moment
 * @param epsilon added to the denominator
 */
public record AdamSpec(double learningRate, double beta1, double beta2, double epsilon) {
  /** Returns PyTorch's defaults with the given step size. */
  public static AdamSpec withLearningRate(double learningRate) {
    return new AdamSpec(learningRate, 0.9, 0.999, 1e-8);
  }
}
