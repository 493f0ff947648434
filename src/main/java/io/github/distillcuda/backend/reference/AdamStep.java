package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.AdamSpec;

/**
 * One step of Adam over a whole arena, t counted from 1:
 *
 * <pre>
 * m = beta1*m + (1-beta1)*g
 * v = beta2*v + (1-beta2)*g^2
 * p = p - lr/(1-beta1^t) * m / (sqrt(v)/sqrt(1-beta2^t) + epsilon)
 * </pre>
 */
final class AdamStep {
  private final AdamSpec spec;
  private final ReferenceArena arena;
  private final ReferenceState state;

  AdamStep(AdamSpec spec, ReferenceArena arena, ReferenceState state) {
    this.spec = spec;
    this.arena = arena;
    this.state = state;
  }

  /** Takes the step, unless something is not finite or was not before. */
  void run() {
    if (!isFinite(arena.flatGradients()) || !isFinite(arena.flatValues())) {
      state.markNonFinite();
    }
    if (!state.stopped()) {
      update(state.nextOptimizerStep());
    }
  }

  private void update(long step) {
    double[] p = arena.flatValues();
    double[] g = arena.flatGradients();
    double[] m = arena.flatFirstMoments();
    double[] v = arena.flatSecondMoments();
    double stepSize = spec.learningRate() / (1 - Math.pow(spec.beta1(), step));
    double secondCorrection = Math.sqrt(1 - Math.pow(spec.beta2(), step));
    for (int i = 0; i < p.length; i++) {
      m[i] = spec.beta1() * m[i] + (1 - spec.beta1()) * g[i];
      v[i] = spec.beta2() * v[i] + (1 - spec.beta2()) * g[i] * g[i];
      p[i] -= stepSize * m[i] / (Math.sqrt(v[i]) / secondCorrection + spec.epsilon());
    }
  }

  private static boolean isFinite(double[] values) {
    for (double value : values) {
      if (!Double.isFinite(value)) {
        return false;
      }
    }
    return true;
  }
}
