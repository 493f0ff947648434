package io.github.distillcuda.backend.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DistillationRowTest {
  private static final float INFINITY = Float.POSITIVE_INFINITY;
  private static final float NAN = Float.NaN;

  /**
   * Double arithmetic on sums of at most 10 terms of one sign loses some ten units of 1.1e-16 per
   * operation; 1e-13 leaves room for the two exponentials and the logarithm behind each d. Wide
   * rows are summed up in eight parts of a block at most 128 long, whose roundings partly cancel.
   */
  private static final double RELATIVE = 1e-13;

  /** Terms below this are the oracle's own cancellation: 90 digits of logarithms up to 1e7. */
  private static final double ORACLE = 1e-60;

  @ParameterizedTest(name = "T = {0}")
  @ValueSource(doubles = {1e-3, 0.1, 1, 5, 100, 1e3, 1e6})
  void agreesWithNinetyDigitsWhereverStudentAndTeacherAre(double temperature) {
    Random random = new Random(7);
    for (int trial = 0; trial < 12; trial++) {
      float[] v = logits(random, 3);
      check(logits(random, 3), v, temperature);
      check(near(random, v, 1e-1f), v, temperature);
      check(near(random, v, 1e-3f), v, temperature);
      check(near(random, v, 1e-6f), v, temperature);
      check(logits(random, 1e4f), logits(random, 1e4f), temperature);
      check(logits(random, 3), logits(random, 1e4f), temperature);
    }
  }

  private static float[] logits(Random random, float scale) {
    return logits(random, scale, 10);
  }

  private static float[] logits(Random random, float scale, int classes) {
    float[] logits = new float[classes];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = scale * (float) random.nextGaussian();
    }
    return logits;
  }

  private static float[] near(Random random, float[] v, float scale) {
    float[] logits = logits(random, scale);
    for (int i = 0; i < logits.length; i++) {
      logits[i] += v[i];
    }
    return logits;
  }

  private static void check(float[] z, float[] v, double temperature) {
    DistillationRow row = new DistillationRow(z.length);
    row.clearGradient();
    double term = row.addDistillation(z, 0, v, 0, temperature, 1);
    double exact = ExactDistillation.distillation(z, v, temperature);
    assertThat(term).isCloseTo(exact, within(RELATIVE * Math.abs(exact) + ORACLE));
    checkGradient(row, ExactDistillation.distillationGradient(z, v, temperature));

    row.clearGradient();
    double entropy = row.addCrossEntropy(z, 0, 3, 1);
    double exactEntropy = ExactDistillation.crossEntropy(z, 3);
    assertThat(entropy).isCloseTo(exactEntropy, within(RELATIVE * exactEntropy + ORACLE));
    checkGradient(row, ExactDistillation.crossEntropyGradient(z, 3));
  }

  private static void checkGradient(DistillationRow row, double[] exact) {
    // Relative to the row's largest element: an element may be a difference that nearly vanishes.
    double scale = DoubleStream.of(exact).map(Math::abs).max().getAsDouble();
    for (int i = 0; i < exact.length; i++) {
      assertThat(row.gradient(i)).isCloseTo(exact[i], within(RELATIVE * scale + ORACLE));
    }
  }

  /** A block and a part of one: the label and the largest logits lie in different ones. */
  @ParameterizedTest(name = "T = {0}")
  @ValueSource(doubles = {0.1, 5, 1e6})
  void agreesWithNinetyDigitsInAWideRow(double temperature) {
    Random random = new Random(8);
    float[] v = logits(random, 3, 1_101);
    v[1_090] = 15;
    float[] near = logits(random, 1e-3f, v.length);
    for (int i = 0; i < v.length; i++) {
      near[i] += v[i];
    }
    check(near, v, temperature);
    check(logits(random, 3, v.length), v, temperature);
  }

  /** Down to the smallest float: nothing overflows, a class with no probability included. */
  @ParameterizedTest
  @ValueSource(doubles = {Float.MIN_VALUE, 1e-20, 1e20, Float.MAX_VALUE})
  void everyTemperatureThatIsAFloatGivesAGradient(double temperature) {
    DistillationRow row = new DistillationRow(4);
    row.clearGradient();
    float[] z = {-INFINITY, -INFINITY, 3e38f, 1};
    float[] v = {-INFINITY, -3e38f, 1, -3e38f};
    row.addDistillation(z, 0, v, 0, temperature, 1 / temperature);
    double sum = 0;
    for (int i = 0; i < 4; i++) {
      assertThat(row.gradient(i)).isBetween(-1.0, 1.0);
      sum += row.gradient(i);
    }
    assertThat(row.gradient(0)).isZero();
    assertThat(sum).isCloseTo(0, within(1e-15));
  }

  @Test
  void bothRowsStartAtTheirOffsets() {
    float[] z = {9, 9, 1, 2, 3};
    float[] v = {9, 3, 1, 0};
    DistillationRow row = new DistillationRow(3);
    assertThat(row.addDistillation(z, 2, v, 1, 5, 1))
        .isEqualTo(
            new DistillationRow(3)
                .addDistillation(new float[] {1, 2, 3}, 0, new float[] {3, 1, 0}, 0, 5, 1));
  }

  @Test
  void termsAddUpWithTheirWeights() {
    float[] z = {1, 2, 3};
    float[] v = {3, 1, 0};
    DistillationRow row = new DistillationRow(3);
    row.clearGradient();
    row.addDistillation(z, 0, v, 0, 5, 0.25);
    row.addCrossEntropy(z, 0, 2, 0.5);
    double[] kd = ExactDistillation.distillationGradient(z, v, 5);
    double[] ce = ExactDistillation.crossEntropyGradient(z, 2);
    for (int i = 0; i < 3; i++) {
      assertThat(row.gradient(i)).isCloseTo(0.25 * kd[i] + 0.5 * ce[i], within(1e-15));
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-3, 5, 1e6})
  void isExactlyZeroForEqualBits(double temperature) {
    float[] z = {1e4f, -3.5f, 0, 2, Float.NEGATIVE_INFINITY};
    DistillationRow row = new DistillationRow(5);
    row.clearGradient();
    assertThat(row.addDistillation(z, 0, z.clone(), 0, temperature, 1)).isZero();
    for (int i = 0; i < 5; i++) {
      assertThat(row.gradient(i)).isZero();
    }
  }

  /** Inputs of which PyTorch gives the same (measured with 2.13, float32). */
  @ParameterizedTest
  @CsvSource({
    "1e4, 0, -1e4, 2, 20000, 1, 0, -1",
    "1e4, -1e4, 0, 0, 0, 0, 0, 0",
    "3e4, 3e4, 3e4, 1, 1.0986122886681098, 0.3333333333333333, -0.6666666666666667,"
        + " 0.3333333333333333",
    "3e38, -3e38, 0, 1, 6e38, 1, -1, 0"
  })
  void crossEntropyOfLargeLogits(
      float a, float b, float c, int label, double loss, double ga, double gb, double gc) {
    DistillationRow row = new DistillationRow(3);
    row.clearGradient();
    // 1e-7: 6e38 is twice the float nearest to 3e38.
    double computed = row.addCrossEntropy(new float[] {a, b, c}, 0, label, 1);
    assertThat(computed).isCloseTo(loss, within(1e-7 * loss));
    assertThat(row.gradient(0)).isCloseTo(ga, within(1e-15));
    assertThat(row.gradient(1)).isCloseTo(gb, within(1e-15));
    assertThat(row.gradient(2)).isCloseTo(gc, within(1e-15));
  }

  @Test
  void keepsTheSmallGradientOfASureStudent() {
    DistillationRow row = new DistillationRow(2);
    row.clearGradient();
    row.addCrossEntropy(new float[] {40, 0}, 0, 0, 1);
    assertThat(row.gradient(0)).isEqualTo(-row.gradient(1)).isNegative();
  }

  @Test
  void crossEntropyIsInfiniteWhereTheLabelHasNoProbability() {
    DistillationRow row = new DistillationRow(3);
    row.clearGradient();
    assertThat(row.addCrossEntropy(new float[] {-INFINITY, 1, 2}, 0, 0, 1)).isInfinite();
    assertThat(row.gradient(0)).isEqualTo(-1);
    assertThat(row.gradient(1)).isCloseTo(1 / (1 + Math.E), within(1e-15));
    assertThat(row.gradient(2)).isCloseTo(Math.E / (1 + Math.E), within(1e-15));
  }

  @Test
  void aClassTheStudentExcludesButTheTeacherDoesNotCostsInfinity() {
    DistillationRow row = new DistillationRow(3);
    row.clearGradient();
    float[] z = {-INFINITY, 1, 2};
    assertThat(row.addDistillation(z, 0, new float[] {0, 1, 2}, 0, 4, 1)).isInfinite();
    for (int i = 0; i < 3; i++) {
      assertThat(row.gradient(i)).isFinite();
    }
  }

  @Test
  void aClassTheTeacherExcludesCountsAsTheLimit() {
    float[] z = {1, 2, 0.5f};
    float[] v = {0, 1, -INFINITY};
    DistillationRow row = new DistillationRow(3);
    row.clearGradient();
    double exact = ExactDistillation.distillation(z, v, 4);
    assertThat(row.addDistillation(z, 0, v, 0, 4, 1)).isCloseTo(exact, within(1e-13));
    checkGradient(row, ExactDistillation.distillationGradient(z, v, 4));
  }

  @Test
  void aClassThatBothExcludeDoesNotCount() {
    DistillationRow three = new DistillationRow(3);
    DistillationRow two = new DistillationRow(2);
    three.clearGradient();
    two.clearGradient();
    float[] z = {1, -INFINITY, 2};
    float[] v = {3, -INFINITY, 0};
    assertThat(three.addDistillation(z, 0, v, 0, 4, 1))
        .isEqualTo(two.addDistillation(new float[] {1, 2}, 0, new float[] {3, 0}, 0, 4, 1));
    assertThat(three.gradient(0)).isEqualTo(two.gradient(0));
    assertThat(three.gradient(1)).isZero();
    assertThat(three.gradient(2)).isEqualTo(two.gradient(1));
  }

  @Test
  void logitsWithoutASoftmaxGiveNaN() {
    float[] good = {1, 2, 3};
    for (float[] bad :
        new float[][] {
          {NAN, 1, 2}, {1, 2, NAN}, {INFINITY, 1, 2}, {-INFINITY, -INFINITY, -INFINITY}
        }) {
      assertNaN(bad, good);
      assertNaN(good, bad);
      DistillationRow row = new DistillationRow(3);
      row.clearGradient();
      assertThat(row.addCrossEntropy(bad, 0, 1, 1)).isNaN();
      assertThat(row.gradient(0)).isNaN();
    }
  }

  private static void assertNaN(float[] z, float[] v) {
    DistillationRow row = new DistillationRow(3);
    row.clearGradient();
    assertThat(row.addDistillation(z, 0, v, 0, 5, 1)).isNaN();
    for (int i = 0; i < 3; i++) {
      assertThat(row.gradient(i)).isNaN();
    }
  }

  @Test
  void oneClassHasNoLoss() {
    DistillationRow row = new DistillationRow(1);
    row.clearGradient();
    assertThat(row.addDistillation(new float[] {7}, 0, new float[] {-3}, 0, 5, 1)).isZero();
    assertThat(row.addCrossEntropy(new float[] {7}, 0, 0, 1)).isZero();
    assertThat(row.gradient(0)).isZero();
  }

  /** Hinton et al. 2015, equation 4: 1/C * ((z - mean z) - (v - mean v)) at high temperature. */
  @Test
  void approachesADifferenceOfLogitsAtHighTemperature() {
    float[] z = {2, -1, 0.5f};
    float[] v = {1.5f, 0, -1};
    DistillationRow row = new DistillationRow(3);
    row.clearGradient();
    row.addDistillation(z, 0, v, 0, 1e6, 1);
    double[] expected = {(0.5 - 1 / 3.0) / 3, (-1 - 1 / 3.0) / 3, (1.5 - 1 / 3.0) / 3};
    for (int i = 0; i < 3; i++) {
      // The next term of the expansion is of the order of logits / T.
      assertThat(row.gradient(i)).isCloseTo(expected[i], within(3e-6));
    }
  }

  @Test
  void theLargestLogitIsTheFirstOfEqualsAndNaNIsLargest() {
    DistillationRow row = new DistillationRow(3);
    assertThat(row.argmax(new float[] {9, 1, 5, 5}, 1)).isEqualTo(1);
    assertThat(row.argmax(new float[] {1, NAN, 5}, 0)).isEqualTo(1);
    assertThat(row.argmax(new float[] {-INFINITY, -INFINITY, -INFINITY}, 0)).isZero();
  }
}
