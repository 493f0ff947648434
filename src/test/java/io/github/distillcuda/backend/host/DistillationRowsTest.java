package io.github.distillcuda.backend.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.github.distillcuda.backend.ResidentDataset;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class DistillationRowsTest {
  private static final int NONE = ResidentDataset.NO_LABEL;
  private static final float[] Z = {1, 2, 3, 0, 0, 0};
  private static final float[] V = {3, 1, 0, 0, 2, 0};

  private static float[] compute(DistillationRows rows, float[] z, float[] v, int... labels) {
    float[] gradient = new float[z.length];
    rows.compute(z, v, labels, labels.length, gradient);
    return gradient;
  }

  /** Numbers of the specification, from float64 PyTorch. */
  @Test
  void givesTheGoldenCase() {
    DistillationRows rows = new DistillationRows(3, 5, 0.7);
    float[] gradient = compute(rows, Z, V, 2, 1);
    // Half a unit of the last digit that is given.
    assertThat(rows.distillationSum() / 25 / 2).isCloseTo(0.0526595382, within(5e-11));
    assertThat(rows.crossEntropySum() / 2).isCloseTo(0.7531091266, within(5e-11));
    assertThat(rows.loss()).isCloseTo(1.1474746557, within(5e-11));
    float[] expected = {
      -0.30380403f, 0.08372968f, 0.22007434f, 0.1321627f, -0.2643254f, 0.1321627f
    };
    // One rounding to float on each side.
    assertThat(gradient).containsExactly(expected, within(3e-8f));
    assertThat(rows.labelledRows()).isEqualTo(2);
    assertThat(rows.correct()).isEqualTo(1);
    assertThat(rows.finite()).isTrue();
  }

  @Test
  void aRowWithoutLabelLeavesTheCrossEntropyAndItsCountOnly() {
    DistillationRows rows = new DistillationRows(3, 5, 0.7);
    float[] gradient = compute(rows, Z, V, 2, NONE);
    float[] first = {1, 2, 3};
    double[] ce = ExactDistillation.crossEntropyGradient(first, 2);
    double[] kd = ExactDistillation.distillationGradient(first, new float[] {3, 1, 0}, 5);
    double[] other = ExactDistillation.distillationGradient(new float[3], new float[] {0, 2, 0}, 5);
    for (int i = 0; i < 3; i++) {
      // The distillation term is a mean over two rows, the cross-entropy over one.
      assertThat(gradient[i]).isCloseTo((float) (0.7 * kd[i] / 2 + 0.3 * ce[i]), within(3e-8f));
      assertThat(gradient[3 + i]).isCloseTo((float) (0.7 * other[i] / 2), within(3e-8f));
    }
    double expected =
        0.7 * rows.distillationSum() / 2 + 0.3 * ExactDistillation.crossEntropy(first, 2);
    assertThat(rows.loss()).isCloseTo(expected, within(1e-14));
    assertThat(rows.labelledRows()).isEqualTo(1);
  }

  @Test
  void withoutAnyLabelTheCrossEntropyIsZero() {
    DistillationRows rows = new DistillationRows(3, 5, 0);
    float[] gradient = compute(rows, Z, null, NONE, NONE);
    assertThat(rows.loss()).isZero();
    assertThat(rows.labelledRows()).isZero();
    assertThat(gradient).containsOnly(0f);
  }

  @Test
  void anIgnoredRowThatIsNotFiniteHasNoGradientButIsNoticed() {
    DistillationRows rows = new DistillationRows(3, 5, 0);
    float[] z = {1, 2, 3, Float.NaN, 0, Float.POSITIVE_INFINITY};
    float[] gradient = compute(rows, z, null, 2, NONE);
    assertThat(gradient[3]).isZero();
    assertThat(gradient[4]).isZero();
    assertThat(gradient[5]).isZero();
    assertThat(rows.loss()).isFinite();
    assertThat(rows.finite()).isFalse();
  }

  @Test
  void alphaZeroDoesNotReadTheTeacher() {
    DistillationRows rows = new DistillationRows(3, 5, 0);
    float[] teacher = {Float.NaN, Float.NaN, Float.NaN, Float.NaN, Float.NaN, Float.NaN};
    float[] with = compute(rows, Z, teacher, 2, 1);
    double loss = rows.loss();
    boolean finite = rows.finite();
    assertThat(compute(rows, Z, null, 2, 1)).containsExactly(with);
    assertThat(rows.loss()).isEqualTo(loss);
    assertThat(finite).isTrue();
    assertThat(rows.distillationSum()).isZero();
    assertThat(loss)
        .isCloseTo(
            (ExactDistillation.crossEntropy(new float[] {1, 2, 3}, 2)
                    + ExactDistillation.crossEntropy(new float[3], 1))
                / 2,
            within(1e-15));
  }

  @Test
  void alphaOneReadsLabelsForTheAccuracyOnly() {
    DistillationRows rows = new DistillationRows(3, 5, 1);
    float[] labelled = compute(rows, Z, V, 2, 1);
    assertThat(rows.labelledRows()).isEqualTo(2);
    assertThat(rows.correct()).isEqualTo(1);
    assertThat(rows.crossEntropySum()).isZero();
    double loss = rows.loss();
    assertThat(compute(rows, Z, V, NONE, NONE)).containsExactly(labelled);
    assertThat(rows.loss()).isEqualTo(loss);
  }

  @Test
  void opposedLogitsOfTenThousandStayFinite() {
    DistillationRows rows = new DistillationRows(3, 4, 0.9);
    float[] gradient = compute(rows, new float[] {1e4f, 0, -1e4f}, new float[] {-1e4f, 0, 1e4f}, 0);
    assertThat(rows.loss()).isCloseTo(72000, within(1e-9));
    assertThat(gradient).containsExactly(new float[] {3.6f, 0, -3.6f}, within(1e-6f));
  }

  @Test
  void gradientRowsSumToZero() {
    float[] gradient = compute(new DistillationRows(3, 5, 0.7), Z, V, 2, 1);
    // Three floats of at most 0.31, each rounded once.
    assertThat(gradient[0] + gradient[1] + gradient[2]).isCloseTo(0, within(6e-8f));
    assertThat(gradient[3] + gradient[4] + gradient[5]).isCloseTo(0, within(6e-8f));
  }

  @Test
  void infinityInATermOfNoWeightDoesNotBecomeNaN() {
    DistillationRows rows = new DistillationRows(2, 5, 1);
    float[] z = {Float.NEGATIVE_INFINITY, 0};
    compute(rows, z, new float[] {Float.NEGATIVE_INFINITY, 0}, 0);
    assertThat(rows.loss()).isZero();
    assertThat(rows.finite()).isFalse();
  }

  @Test
  void theBitsDoNotDependOnTheThreads() {
    int classes = 1_500;
    SplittableRandom random = new SplittableRandom(6);
    int[] labels = random.ints(41, 0, classes).toArray();
    labels[7] = NONE;
    float[] z = new float[labels.length * classes];
    float[] v = new float[z.length];
    for (int i = 0; i < z.length; i++) {
      z[i] = (float) random.nextGaussian();
      v[i] = (float) random.nextGaussian();
    }
    labels[3] = new DistillationRow(classes).argmax(z, 3 * classes);
    DistillationRows alone = new DistillationRows(classes, 5, 0.7);
    float[] expected = compute(alone, z, v, labels);
    for (int threads = 2; threads <= 5; threads++) {
      DistillationRows rows = new DistillationRows(classes, 5, 0.7, threads);
      assertThat(compute(rows, z, v, labels)).containsExactly(expected);
      assertThat(rows.loss()).isEqualTo(alone.loss()).isPositive();
      assertThat(rows.distillationSum()).isEqualTo(alone.distillationSum());
      assertThat(rows.crossEntropySum()).isEqualTo(alone.crossEntropySum());
      assertThat(rows.correct()).isEqualTo(alone.correct()).isPositive();
      assertThat(rows.finite()).isTrue();
      v[40 * classes] = Float.NEGATIVE_INFINITY;
      compute(rows, z, v, labels);
      assertThat(rows.finite()).isFalse();
      v[40 * classes] = 0;
      expected = compute(alone, z, v, labels);
    }
  }

  @Test
  void refusesWhatHasNoMeaning() {
    DistillationRows rows = new DistillationRows(3, 5, 0.5);
    assertThatIllegalArgumentException().isThrownBy(() -> compute(rows, Z, V, 2, 3));
    assertThatIllegalArgumentException().isThrownBy(() -> compute(rows, Z, V, 2, -1));
    assertThatIllegalArgumentException().isThrownBy(() -> compute(rows, Z, V));
    assertThatIllegalArgumentException().isThrownBy(() -> new DistillationRows(3, 0, 0.5));
    assertThatIllegalArgumentException().isThrownBy(() -> new DistillationRows(3, Double.NaN, 0.5));
    assertThatIllegalArgumentException().isThrownBy(() -> new DistillationRows(3, 1e-46, 0.5));
    assertThatIllegalArgumentException().isThrownBy(() -> new DistillationRows(3, 1e39, 0.5));
    assertThatIllegalArgumentException().isThrownBy(() -> new DistillationRows(3, 5, 1.5));
    assertThatIllegalArgumentException().isThrownBy(() -> new DistillationRows(0, 5, 0.5));
  }
}
