package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.AdamKernels;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** Adam against the formulas of the paper in float64, as PyTorch orders them. */
final class AdamCases {
  private static final double LEARNING_RATE = 1e-3;
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final double EPSILON = 1e-8;

  private AdamCases() {}

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    for (int n : new int[] {1, 2, 63, 64, 65, 255, 256, 257, 1000}) {
      cases.add(of(AdamKernels.ADAM_V1, n, 9));
    }
    for (int n : new int[] {4, 64, 1020, 1024, 1028, 4096}) {
      cases.add(of(AdamKernels.ADAM, n, 9));
    }
    for (KernelSignature kernel : List.of(AdamKernels.ADAM_V1, AdamKernels.ADAM)) {
      for (long steps : new long[] {0, 1, 99, 1_000_000}) {
        cases.add(of(kernel, 128, steps));
      }
      cases.add(afterAStepThatWasNotFinite(kernel));
    }
    return cases;
  }

  /** The thousandth step: the power of beta takes ten rounds. */
  static Stream<KernelCase> counted() {
    return Stream.of(of(AdamKernels.ADAM_V1, 65_536, 999), of(AdamKernels.ADAM, 65_536, 999));
  }

  private static KernelCase of(KernelSignature kernel, int n, long stepsTaken) {
    float[] p = new float[n];
    float[] g = new float[n];
    float[] m = new float[n];
    float[] v = new float[n];
    fill(p, g, m, v, stepsTaken);
    double[][] exact = new double[3][n];
    double[][] tolerance = new double[3][n];
    for (int i = 0; i < n; i++) {
      step(p[i], g[i], m[i], v[i], stepsTaken + 1, i, exact, tolerance);
    }
    return caseOf(kernel, n, "after " + stepsTaken + " steps", StepStateModel.atStep(stepsTaken))
        .in("parameters", p)
        .in("gradients", g)
        .in("firstMoments", m)
        .in("secondMoments", v)
        .out("parameters", Expected.near(exact[0], tolerance[0]))
        .out("firstMoments", Expected.near(exact[1], tolerance[1]))
        .out("secondMoments", Expected.near(exact[2], tolerance[2]));
  }

  /** Ordinary numbers, and gradients that are zero, tiny or large. */
  private static void fill(float[] p, float[] g, float[] m, float[] v, long stepsTaken) {
    Random random = new Random(17);
    for (int i = 0; i < p.length; i++) {
      p[i] = (float) random.nextGaussian() * 0.1f;
      float scale = i % 11 == 0 ? 0 : i % 13 == 0 ? 1e-12f : i % 17 == 0 ? 1e4f : 1e-2f;
      g[i] = (float) random.nextGaussian() * scale;
      m[i] = stepsTaken == 0 ? 0 : (float) random.nextGaussian() * 1e-2f;
      v[i] = stepsTaken == 0 ? 0 : random.nextFloat() * 1e-4f;
    }
  }

  /**
   * One element. The moments are one fused sum each: 4 units in the last place of the larger part.
   * The parameter: 2 of its own, and 1e-5 of what it moves by.
   */
  private static void step(
      double p,
      double g,
      double m,
      double v,
      long t,
      int i,
      double[][] exact,
      double[][] tolerance) {
    double newM = m + (1 - BETA1) * (g - m);
    double newV = BETA2 * v + (1 - BETA2) * g * g;
    double correction1 = 1 - Math.pow(BETA1, t);
    double correction2 = 1 - Math.pow(BETA2, t);
    double move =
        LEARNING_RATE / correction1 * newM / (Math.sqrt(newV) / Math.sqrt(correction2) + EPSILON);
    exact[0][i] = p - move;
    exact[1][i] = newM;
    exact[2][i] = newV;
    tolerance[0][i] =
        2 * Math.ulp((float) exact[0][i]) + 1e-5 * Math.max(LEARNING_RATE, Math.abs(move));
    tolerance[1][i] = 0x1p-22 * Math.max(Math.abs(m), Math.abs(g)) + Float.MIN_VALUE;
    tolerance[2][i] = 0x1p-22 * newV + Float.MIN_VALUE;
  }

  private static KernelCase afterAStepThatWasNotFinite(KernelSignature kernel) {
    float[] numbers = ChainElementCases.constant(64, 0.25f);
    StepStateModel state = StepStateModel.inTheMiddleOfAnEpoch();
    state.firstNonFiniteStep = 3;
    return caseOf(kernel, 64, "stopped", state)
        .in("parameters", numbers)
        .in("gradients", numbers)
        .in("firstMoments", numbers)
        .in("secondMoments", numbers)
        .out("parameters", Expected.floats(numbers))
        .out("firstMoments", Expected.floats(numbers))
        .out("secondMoments", Expected.floats(numbers));
  }

  private static KernelCase caseOf(
      KernelSignature kernel, int n, String description, StepStateModel state) {
    return new KernelCase(kernel, KernelSizes.of("n", n), description)
        .in("state", state.toBytes())
        .value("learningRate", LEARNING_RATE)
        .value("beta1", BETA1)
        .value("beta2", BETA2)
        .value("epsilon", EPSILON);
  }
}
