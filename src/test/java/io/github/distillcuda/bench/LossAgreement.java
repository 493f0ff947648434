package io.github.distillcuda.bench;

import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.emulator.memory.HostBytes;

/** The three forms of the loss leave one gradient: what is compared must be the same. */
final class LossAgreement {
  /**
   * Of the largest element. The chains are the textbook forms in float32: at T = 5 their
   * log-softmax rounds at a few 1e-7, times T in the gradient of a row.
   */
  private static final double TOLERANCE = 1e-5;

  /** Likewise: a unit in the last place of that element, which each form rounds in its own way. */
  private static final double BFLOAT16_TOLERANCE = 0x1p-7;

  private static final int VOCABULARY = 4099;

  private LossAgreement() {}

  /**
   * Runs all three forms at 10, 100 and 1,000 classes, and at 4,099 in both types.
   *
   * @throws AssertionError if a gradient differs from that of the fused loss
   */
  static void check(DeviceBench bench, int rows) {
    for (int classes : new int[] {10, 100, 1000}) {
      check(bench, ElementType.FLOAT32, rows, classes, TOLERANCE);
    }
    check(bench, ElementType.FLOAT32, rows, VOCABULARY, TOLERANCE);
    check(bench, ElementType.BFLOAT16, rows, VOCABULARY, BFLOAT16_TOLERANCE);
  }

  private static void check(
      DeviceBench bench, ElementType type, int rows, int classes, double tolerance) {
    float[] fused = gradient(bench, type, LossWorkloads.fused(type, rows, classes));
    float[] formulas = gradient(bench, type, LossWorkloads.formulas(type, rows, classes));
    float[] eager = gradient(bench, type, LossWorkloads.eager(type, rows, classes));
    requireNear(fused, formulas, tolerance, "formulas");
    requireNear(fused, eager, tolerance, "eager chain");
  }

  private static float[] gradient(DeviceBench bench, ElementType type, Workload workload) {
    byte[] bytes = bench.result(workload, "dz");
    return type == ElementType.FLOAT32
        ? HostBytes.toFloats(bytes)
        : HostBytes.bfloat16ToFloats(bytes);
  }

  private static void requireNear(float[] fused, float[] other, double tolerance, String what) {
    double largest = 0;
    for (float value : fused) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < fused.length; i++) {
      if (!(Math.abs(fused[i] - other[i]) <= tolerance * largest)) {
        throw new AssertionError(
            "%s: dz[%d] is %s, that of the fused loss %s, the largest %s"
                .formatted(what, i, other[i], fused[i], largest));
      }
    }
  }
}
