package io.github.distillcuda.backend.host;

import io.github.distillcuda.backend.AdamSpec;

/**
 * Adam's update of a block of parameters, with the roundings of PyTorch: constants in double, made
 * float once; everything an element meets in float.
 *
 * {@snippet lang=text :
 * m = m + (1-beta1) * (g - m)
 * v = beta2 * v + (1-beta2) * g * g
 * p = p - lr/(1-beta1^t) * m / (sqrt(v) / sqrt(1-beta2^t) + epsilon)
 * }
 *
 * <p>The arrays are small and on the heap, and all four are walked with one index: the compiler
 * turns such a loop into vector instructions, which it does not for native memory whose segments
 * might overlap.
 */
public final class AdamBlocks {
  /** Elements of a block: four arrays of them fit the first-level cache of any x86-64 processor. */
  public static final int SIZE = 1024;

  private final AdamSpec spec;
  private final float firstWeight;
  private final float secondDecay;
  private final float secondWeight;
  private final float epsilon;

  private float stepSize;
  private float secondCorrection;

  /** The update with the given constants. */
  public AdamBlocks(AdamSpec spec) {
    this.spec = spec;
    firstWeight = (float) (1 - spec.beta1());
    secondDecay = (float) spec.beta2();
    secondWeight = (float) (1 - spec.beta2());
    epsilon = (float) spec.epsilon();
  }

  /**
   * Computes what depends on the step.
   *
   * @param step t, from 1
   */
  public void beginStep(long step) {
    stepSize = (float) -(spec.learningRate() / (1 - StrictMath.pow(spec.beta1(), step)));
    secondCorrection = (float) Math.sqrt(1 - StrictMath.pow(spec.beta2(), step));
  }

  /**
   * Updates the first {@code count} elements of a block in place.
   *
   * @param values parameters p
   * @param gradients g, only read
   * @param first running means m
   * @param second running means v
   */
  public void update(float[] values, float[] gradients, float[] first, float[] second, int count) {
    for (int i = 0; i < count; i++) {
      float g = gradients[i];
      float m = first[i] + firstWeight * (g - first[i]);
      float v = secondDecay * second[i] + secondWeight * g * g;
      first[i] = m;
      second[i] = v;
      float denominator = (float) Math.sqrt(v) / secondCorrection + epsilon;
      values[i] = values[i] + stepSize * m / denominator;
    }
  }
}
