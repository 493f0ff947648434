package io.github.distillcuda.distill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.distillcuda.distill.DistillationLoss.Result;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The public loss against PyTorch's printed numbers, finite differences and its own identities. */
class DistillationLossTest {
  private static final float[] Z = {1, 2, 3, 0, 0, 0};
  private static final float[] V = {3, 1, 0, 0, 2, 0};
  private static final int[] Y = {2, 1};

  /** PyTorch 2.13 in float64 prints these; an alpha of float32 would cost 2e-8. */
  @Test
  void givesThePytorchNumbers() {
    Result result = DistillationLoss.compute(Z, V, Y, 3, 5, 0.7);
    assertThat(result.kl()).isCloseTo(0.0526595382, within(1e-10));
    assertThat(result.crossEntropy()).isCloseTo(0.7531091266, within(1e-10));
    assertThat(result.loss()).isCloseTo(1.1474746557, within(1e-10));
    float[] dz = {-0.30380403f, 0.08372968f, 0.22007434f, 0.1321627f, -0.2643254f, 0.1321627f};
    // One rounding to float on each side.
    assertThat(result.gradient()).containsExactly(dz, within(3e-8f));
    assertThat(result.correct()).isEqualTo(1);
  }

  /** Written with logarithms, as in the paper: another path to the same number. */
  private static double plainLoss(float[] z, double t, double alpha) {
    double loss = 0;
    for (int n = 0; n < 2; n++) {
      double zSum = 0;
      double vSum = 0;
      double hardSum = 0;
      for (int c = 0; c < 3; c++) {
        zSum += Math.exp(z[3 * n + c] / t);
        vSum += Math.exp(V[3 * n + c] / t);
        hardSum += Math.exp(z[3 * n + c]);
      }
      for (int c = 0; c < 3; c++) {
        double q = Math.exp(V[3 * n + c] / t) / vSum;
        double p = Math.exp(z[3 * n + c] / t) / zSum;
        loss += alpha * t * t * q * (Math.log(q) - Math.log(p)) / 2;
      }
      loss -= (1 - alpha) * Math.log(Math.exp(z[3 * n + Y[n]]) / hardSum) / 2;
    }
    return loss;
  }

  /** Central differences with h = 2^-7 err by h^2/6 times a third derivative of order one: 1e-5. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.25, 1})
  void itsGradientIsTheSlopeOfTheLoss(double alpha) {
    float h = 1f / 128;
    float[] gradient = DistillationLoss.compute(Z, V, Y, 3, 2, alpha).gradient();
    for (int i = 0; i < Z.length; i++) {
      float[] up = Z.clone();
      float[] down = Z.clone();
      up[i] += h;
      down[i] -= h;
      double slope = (plainLoss(up, 2, alpha) - plainLoss(down, 2, alpha)) / (2 * h);
      assertThat((double) gradient[i]).isCloseTo(slope, within(1e-5));
    }
  }

  @Test
  void alphaZeroNeedsNoTeacher() {
    Result result = DistillationLoss.compute(Z, null, Y, 3, 5, 0);
    assertThat(result.kl()).isZero();
    assertThat(result.loss()).isEqualTo(result.crossEntropy());
  }

  @Test
  void aRowWithoutLabelCountsInTheDistillationTermAlone() {
    Result both = DistillationLoss.compute(Z, V, Y, 3, 5, 0.5);
    Result first =
        DistillationLoss.compute(Z, V, new int[] {2, DistillationLoss.NO_LABEL}, 3, 5, 0.5);
    assertThat(first.kl()).isEqualTo(both.kl());
    // -log softmax([1, 2, 3])_3
    assertThat(first.crossEntropy()).isCloseTo(0.40760596, within(1e-8));
  }

  @Test
  void equalLogitsHaveNoDivergenceAtAnyTemperature() {
    SplittableRandom random = new SplittableRandom(5);
    float[] z = new float[100];
    for (int i = 0; i < z.length; i++) {
      z[i] = (float) (random.nextDouble() * 2e4 - 1e4);
    }
    for (double t : new double[] {1e-3, 1, 1e6}) {
      Result result = DistillationLoss.compute(z, z.clone(), new int[10], 10, t, 1);
      assertThat(result.loss()).isZero();
      assertThat(result.gradient()).containsOnly(0f);
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThatThrownBy(() -> DistillationLoss.compute(Z, V, Y, 4, 5, 0.7))
        .hasMessageContaining("studentLogits: 6 values for 2 rows of 4 classes");
    assertThatThrownBy(() -> DistillationLoss.compute(Z, null, Y, 3, 5, 0.7))
        .hasMessageContaining("teacherLogits: no values");
    assertThatThrownBy(() -> DistillationLoss.compute(Z, V, new int[] {2, 3}, 3, 5, 0.7))
        .hasMessageContaining("label 3 of row 1");
    assertThatThrownBy(() -> DistillationLoss.compute(Z, V, Y, 3, 0, 0.7))
        .hasMessageContaining("temperature 0.0");
    assertThatThrownBy(() -> DistillationLoss.compute(Z, V, Y, 3, 5, 1.5))
        .hasMessageContaining("alpha 1.5");
  }
}
