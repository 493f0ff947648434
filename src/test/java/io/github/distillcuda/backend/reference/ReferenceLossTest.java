package io.github.distillcuda.backend.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.distillcuda.backend.LossSpec;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The loss on ordinary logits: PyTorch's golden case, exact arithmetic, and what must hold. */
class ReferenceLossTest {
  private static final double[][] GOLDEN_Z = {{1, 2, 3}, {0, 0, 0}};
  private static final double[][] GOLDEN_V = {{3, 1, 0}, {0, 2, 0}};

  @Test
  void goldenCaseOfPyTorch() {
    LossRun run = LossRun.of(new LossSpec(5, 0.7), GOLDEN_Z, GOLDEN_V, 2, 1);

    // Ten printed digits.
    assertThat(run.progress().distillationSum() / 2 / 25).isCloseTo(0.0526595382, within(1e-10));
    assertThat(run.progress().crossEntropySum() / 2).isCloseTo(0.7531091266, within(1e-10));
    assertThat(run.meanLoss()).isCloseTo(1.1474746557, within(1e-10));
    double[][] expected = {
      {-0.30380403, 0.08372968, 0.22007434}, {0.1321627, -0.2643254, 0.1321627}
    };
    for (int n = 0; n < 2; n++) {
      // Eight printed digits, the last row seven.
      assertThat(run.gradient()[n]).containsExactly(expected[n], within(n == 0 ? 1e-8 : 1e-7));
    }
    assertThat(run.progress().labelledRows()).isEqualTo(2);
    assertThat(run.progress().correct()).isEqualTo(1); // the tie of row 2 goes to class 0
    assertThat(run.progress().firstNonFiniteStep()).isZero();
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-3, 0.1, 1, 5, 20, 1e3, 1e6})
  void bothTermsAgreeWithExactArithmetic(double temperature) {
    SplittableRandom random = new SplittableRandom(7);
    for (double scale : new double[] {1, 10, 1e4}) {
      for (double noise : new double[] {scale, 1e-1, 1e-3, 1e-9}) {
        for (int repeat = 0; repeat < 3; repeat++) {
          double[] v = row(random, 10, scale);
          double[] z = row(random, 10, noise);
          for (int c = 0; noise != scale && c < z.length; c++) {
            z[c] += v[c];
          }
          assertExact(temperature, z, v);
        }
      }
    }
  }

  private static void assertExact(double temperature, double[] z, double[] v) {
    LossRun run =
        LossRun.of(new LossSpec(temperature, 1), new double[][] {z}, new double[][] {v}, 0);
    ExactLoss exact = ExactLoss.distillation(z, v, temperature);
    String what = "T=%s z=%s v=%s".formatted(temperature, Arrays.toString(z), Arrays.toString(v));

    // d = log p - log q carries a rounding of about 1e-16 of the logits' span over T. The loss
    // moves with it by T^2*sum|p - q| = T*sum|gradient|, the gradient by T*|p - q| at most. What
    // is below 1e-60 is the rounding of the exact arithmetic itself.
    double rounding = 4e-16 * (1 + (max(z) + max(v)) / temperature);
    double gradientSum = Arrays.stream(exact.distillationGradient()).map(Math::abs).sum();
    double loss = Math.abs(exact.distillation());
    assertThat(run.progress().distillationSum())
        .as(what)
        .isCloseTo(
            exact.distillation(),
            within(1e-13 * loss + rounding * temperature * gradientSum + 1e-60));
    assertThat(run.gradient()[0])
        .as(what)
        .containsExactly(
            exact.distillationGradient(), within((1e-14 + rounding) * gradientSum + 1e-60));

    LossRun labelled = LossRun.of(LossSpec.CROSS_ENTROPY, new double[][] {z}, null, 3);
    assertThat(labelled.meanLoss())
        .as(what)
        .isCloseTo(ExactLoss.crossEntropy(z, 3), within(1e-15 * (1 + 2 * max(z))));
    double[] exactGradient = ExactLoss.crossEntropyGradient(z, 3);
    // Relative to the row's largest element, however near to its label the row is.
    assertThat(labelled.gradient()[0])
        .as(what)
        .containsExactly(exactGradient, within(4e-16 * (1 + 2 * max(z)) * max(exactGradient)));
  }

  @Test
  void everyGradientRowSumsToZero() {
    SplittableRandom random = new SplittableRandom(11);
    double[][] z = {row(random, 10, 5), row(random, 10, 5), row(random, 10, 1e4)};
    double[][] v = {row(random, 10, 5), z[1], row(random, 10, 1e4)};

    for (double temperature : new double[] {1e-3, 1, 5, 1e6}) {
      LossRun run = LossRun.of(new LossSpec(temperature, 0.7), z, v, 1, 2, 3);
      for (double[] gradient : run.gradient()) {
        // Ten terms, each rounded; p and q carry a rounding of 1e-16 each, times T.
        double rounding = 1e-15 * (max(gradient) + temperature);
        assertThat(Arrays.stream(gradient).sum()).isCloseTo(0, within(rounding));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-3, 5, 1e6})
  void equalLogitsHaveExactlyNoDivergence(double temperature) {
    SplittableRandom random = new SplittableRandom(13);
    double[][] z = {row(random, 10, 3), row(random, 10, 1e4)};

    LossRun run = LossRun.of(new LossSpec(temperature, 1), z, z, 0, 0);

    assertThat(run.progress().distillationSum()).isEqualTo(0);
    assertThat(run.progress().lossSum()).isEqualTo(0);
    for (double[] gradient : run.gradient()) {
      assertThat(gradient).containsOnly(0);
    }
  }

  @Test
  void alphaZeroIsPlainCrossEntropyToTheBitAndReadsNoTeacher() {
    SplittableRandom random = new SplittableRandom(17);
    double[][] z = {row(random, 10, 3), row(random, 10, 3)};
    double[][] v = {new double[10], new double[10]};
    Arrays.fill(v[0], Double.NaN);
    Arrays.fill(v[1], Double.NEGATIVE_INFINITY);

    LossRun distilled = LossRun.of(new LossSpec(5, 0), z, v, 4, 9);
    LossRun plain = LossRun.of(LossSpec.CROSS_ENTROPY, z, null, 4, 9);

    assertThat(distilled.progress()).isEqualTo(plain.progress());
    assertThat(distilled.gradient()).isDeepEqualTo(plain.gradient());
    double expected = (ExactLoss.crossEntropy(z[0], 4) + ExactLoss.crossEntropy(z[1], 9)) / 2;
    assertThat(plain.meanLoss()).isCloseTo(expected, within(1e-14)); // a few roundings near 3
    assertThat(plain.progress().distillationSum()).isEqualTo(0);
  }

  @Test
  void alphaOneReadsTheLabelsForTheAccuracyAlone() {
    SplittableRandom random = new SplittableRandom(19);
    double[][] z = {{1, 5, 2}, {7, 0, 0}};
    double[][] v = {row(random, 3, 3), row(random, 3, 3)};

    LossRun right = LossRun.of(new LossSpec(5, 1), z, v, 1, 0);
    LossRun wrong = LossRun.of(new LossSpec(5, 1), z, v, 2, -100);

    assertThat(wrong.gradient()).isDeepEqualTo(right.gradient());
    assertThat(wrong.progress().lossSum()).isEqualTo(right.progress().lossSum());
    assertThat(right.progress().crossEntropySum()).isEqualTo(0);
    assertThat(right.progress().correct()).isEqualTo(2);
    assertThat(wrong.progress().correct()).isEqualTo(0);
    assertThat(wrong.progress().labelledRows()).isEqualTo(1);
  }

  @Test
  void unlabelledRowsLeaveTheCrossEntropyAndItsCountButNotTheDistillation() {
    double[][] z = {{1, 2, 3}, {4, 0, 1}, {2, 2, 0}};
    double[][] v = {{0, 1, 0}, {1, 1, 3}, {5, 0, 0}};
    double alpha = 0.25;

    LossRun run = LossRun.of(new LossSpec(2, alpha), z, v, 2, -100, 1);

    double distillation = 0;
    for (int n = 0; n < 3; n++) {
      ExactLoss exact = ExactLoss.distillation(z[n], v[n], 2);
      double[] labels = {2, -100, 1};
      distillation += exact.distillation();
      for (int c = 0; c < 3; c++) {
        double expected = alpha * exact.distillationGradient()[c] / 3;
        if (n != 1) {
          double[] hard = ExactLoss.crossEntropyGradient(z[n], (int) labels[n]);
          expected += (1 - alpha) * hard[c] / 2;
        }
        assertThat(run.gradient()[n][c]).isCloseTo(expected, within(1e-15)); // a few roundings
      }
    }
    double crossEntropy = ExactLoss.crossEntropy(z[0], 2) + ExactLoss.crossEntropy(z[2], 1);
    assertThat(run.progress().labelledRows()).isEqualTo(2);
    assertThat(run.progress().distillationSum()).isCloseTo(distillation, within(1e-14));
    assertThat(run.progress().crossEntropySum()).isCloseTo(crossEntropy, within(1e-14));
    assertThat(run.meanLoss())
        .isCloseTo(alpha * distillation / 3 + (1 - alpha) * crossEntropy / 2, within(1e-14));
  }

  @Test
  void atHighTemperatureTheGradientMatchesCentredLogits() {
    SplittableRandom random = new SplittableRandom(23);
    double[][] z = {row(random, 10, 3), row(random, 10, 3)};
    double[][] v = {row(random, 10, 3), row(random, 10, 3)};

    LossRun run = LossRun.of(new LossSpec(1e4, 1), z, v, 0, 0);

    for (int n = 0; n < 2; n++) {
      double zMean = Arrays.stream(z[n]).average().orElseThrow();
      double vMean = Arrays.stream(v[n]).average().orElseThrow();
      for (int c = 0; c < 10; c++) {
        double limit = ((z[n][c] - zMean) - (v[n][c] - vMean)) / (2 * 10);
        // Hinton et al. 2015, equation 4; what the limit drops is of order z^2/(T*N*C).
        assertThat(run.gradient()[n][c]).isCloseTo(limit, within(5e-5));
      }
    }
  }

  private static double[] row(SplittableRandom random, int classes, double scale) {
    return random.doubles(classes, -scale, scale).toArray();
  }

  private static double max(double[] values) {
    return Arrays.stream(values).map(Math::abs).max().orElseThrow();
  }
}
