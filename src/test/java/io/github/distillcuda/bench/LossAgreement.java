package io.github.distillcuda.bench;

import io.github.distillcuda.emulator.memory.HostBytes;

/** The three forms of the loss leave one gradient: what is compared must be the same. */
final class LossAgreement {
  /**
   * Of the largest element. The chains are the textbook forms in float32: at T = 5 their
   * log-softmax rounds at a few 1e-7, times T in the gradient of a row.
   */
  private static final double TOLERANCE = 1e-5;

  private LossAgreement() {}

  /**
   * Runs all three forms at 10, 100 and 1,000 classes.
   *
   * @throws AssertionError if a gradient differs from that of the fused loss
   */
  static void check(DeviceBench bench, int rows) {
    for (int classes : new int[] {10, 100, 1000}) {
      float[] fused = gradient(bench, LossWorkloads.fused(rows, classes));
      requireNear(fused, gradient(bench, LossWorkloads.formulas(rows, classes)), "formulas");
      requireNear(fused, gradient(bench, LossWorkloads.eager(rows, classes)), "eager chain");
    }
  }

  private static float[] gradient(DeviceBench bench, Workload workload) {
    return HostBytes.toFloats(bench.result(workload, "dz"));
  }

  private static void requireNear(float[] fused, float[] other, String what) {
    double largest = 0;
    for (float value : fused) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < fused.length; i++) {
      if (!(Math.abs(fused[i] - other[i]) <= TOLERANCE * largest)) {
        throw new AssertionError(
            "%s: dz[%d] is %s, that of the fused loss %s, the largest %s"
                .formatted(what, i, other[i], fused[i], largest));
      }
    }
  }
}
