package io.github.distillcuda.backend.reference;

import static java.lang.Double.NEGATIVE_INFINITY;
import static java.lang.Double.NaN;
import static java.lang.Double.POSITIVE_INFINITY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.distillcuda.backend.LossSpec;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The loss on inputs that break naive forms of it. */
class AdversarialLossTest {
  @Test
  void opposedHugeLogits() {
    LossRun run = distil(4, 0.9, new double[] {1e4, 0, -1e4}, new double[] {-1e4, 0, 1e4});

    assertThat(run.meanLoss()).isEqualTo(72000);
    assertThat(run.gradient()[0]).containsExactly(3.6, 0, -3.6);
    assertThat(run.progress().firstNonFiniteStep()).isZero();
  }

  @Test
  void hugeLogitsAtTinyTemperature() {
    double[] z = {1e4, -1e4, 0};
    double[] v = {1e4, 1e4, -1e4};
    LossRun run = distil(1e-3, 1, z, v);

    ExactLoss exact = ExactLoss.distillation(z, v, 1e-3);
    // A few roundings of log p - log q, which is 2e7 here and the loss's only large factor.
    assertThat(run.meanLoss())
        .isCloseTo(exact.distillation(), within(exact.distillation() * 1e-15));
    assertThat(run.gradient()[0]).containsExactly(exact.distillationGradient(), within(1e-18));
    assertThat(run.progress().firstNonFiniteStep()).isZero();
  }

  @Test
  void logitsOfTheSizeOfTheLargestFloat() {
    double[] z = {3e38, 0, -3e38};
    LossRun run = distil(1e-3, 1, z, new double[] {-3e38, 3e38, 0});

    assertThat(run.meanLoss()).isFinite();
    assertThat(run.gradient()[0]).containsExactly(new double[] {1e-3, -1e-3, 0}, within(0.0));
    assertThat(distil(1e-3, 1, z, z).meanLoss()).isEqualTo(0);
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e3, 1e6})
  void largeTemperaturesWhereTheDefinitionIsRoundingAlone(double temperature) {
    // Here PyTorch is no oracle: at 1e6 its float64 is 5e-4 off and its float32 gives -59604.
    double[] z = {2, -1, 0.5};
    double[] v = {1.5, 0, -1};
    LossRun run = distil(temperature, 1, z, v);

    ExactLoss exact = ExactLoss.distillation(z, v, temperature);
    // A few roundings of numbers near 1.
    assertThat(run.meanLoss()).isCloseTo(exact.distillation(), within(1e-14));
    assertThat(run.gradient()[0]).containsExactly(exact.distillationGradient(), within(1e-15));
  }

  @Test
  void minusInfinityIsAClassOfProbabilityZero() {
    double[] none = {NEGATIVE_INFINITY, 0, 1};
    double[] finite = {1, 2, 0};
    double[] noneToo = {NEGATIVE_INFINITY, 3, 0};

    assertExact(none, finite);
    assertExact(finite, none);
    assertExact(none, noneToo);
    assertThat(distil(2, 1, none, finite).meanLoss()).isEqualTo(POSITIVE_INFINITY);
    assertThat(distil(2, 1, none, none).meanLoss()).isEqualTo(0);
  }

  @Test
  void minusInfinityInBothCostsNoDigitOfNearAgreement() {
    double[] z = {NEGATIVE_INFINITY, 0, 1 + 1e-9, -0.5};
    double[] v = {NEGATIVE_INFINITY, 2e-9, 1, -0.5};
    LossRun run = distil(2, 1, z, v);

    ExactLoss exact = ExactLoss.distillation(z, v, 2);
    // z - v is exact, so a few roundings of the result are all there is.
    assertThat(run.meanLoss())
        .isCloseTo(exact.distillation(), within(exact.distillation() * 1e-14));
    assertThat(run.gradient()[0]).containsExactly(exact.distillationGradient(), within(1e-23));
  }

  @Test
  void aLargeCommonOffsetCostsNoDigit() {
    double[] z = {1e4, 1e4 - 1e-3, 1e4 + 2e-3};
    double[] v = {1e4 + 1e-3, 1e4, 1e4 - 3e-3};
    LossRun run = distil(1e-3, 1, z, v);

    ExactLoss exact = ExactLoss.distillation(z, v, 1e-3);
    // Differences of neighbours are exact; z/T alone would carry a rounding of 1e-9.
    assertThat(run.meanLoss())
        .isCloseTo(exact.distillation(), within(exact.distillation() * 1e-14));
    assertThat(run.gradient()[0]).containsExactly(exact.distillationGradient(), within(1e-17));
  }

  private static void assertExact(double[] z, double[] v) {
    LossRun run = distil(2, 1, z, v);
    ExactLoss exact = ExactLoss.distillation(z, v, 2);
    if (Double.isFinite(exact.distillation())) {
      assertThat(run.meanLoss()).isCloseTo(exact.distillation(), within(1e-14)); // roundings near 5
    } else {
      assertThat(run.meanLoss()).isEqualTo(exact.distillation());
    }
    assertThat(run.gradient()[0]).containsExactly(exact.distillationGradient(), within(1e-15));
    // An infinity in the logits stops the run even where the loss survives it.
    assertThat(run.progress().firstNonFiniteStep()).isEqualTo(1);
  }

  @Test
  void aRowWithoutASoftmaxIsNotANumberThroughout() {
    double[] finite = {1, 2, 0};
    double[][] rows = {
      {NEGATIVE_INFINITY, NEGATIVE_INFINITY, NEGATIVE_INFINITY},
      {POSITIVE_INFINITY, 0, 1},
      {POSITIVE_INFINITY, POSITIVE_INFINITY, 1},
      {0, NaN, 1},
      {NEGATIVE_INFINITY, NaN, POSITIVE_INFINITY}
    };
    for (double[] row : rows) {
      assertNotANumber(distil(2, 1, row, finite));
      assertNotANumber(distil(2, 1, finite, row));
      assertNotANumber(distil(2, 1, row, row));
      assertNotANumber(classify(row, 1));
    }
  }

  private static void assertNotANumber(LossRun run) {
    assertThat(run.meanLoss()).isNaN();
    assertThat(Arrays.stream(run.gradient()[0]).allMatch(Double::isNaN)).isTrue();
    assertThat(run.progress().firstNonFiniteStep()).isEqualTo(1);
  }

  @Test
  void oneRowThatIsNotANumberLeavesTheGradientsOfOthersAlone() {
    double[][] z = {{0, NaN, 1}, {1, 2, 3}};
    double[][] v = {{1, 2, 3}, {3, 2, 2}};

    LossRun run = LossRun.of(new LossSpec(5, 0.5), z, v, 0, 0);

    assertThat(run.meanLoss()).isNaN();
    assertThat(run.gradient()[1]).doesNotContain(NaN);
  }

  @Test
  void crossEntropyOfTheExtremes() {
    LossRun opposed = classify(new double[] {1e4, 0, -1e4}, 2);
    assertThat(opposed.meanLoss()).isEqualTo(20000);
    assertThat(opposed.gradient()[0]).containsExactly(1, 0, -1);

    double[] equal = new double[10];
    Arrays.fill(equal, 3e4);
    assertThat(classify(equal, 7).meanLoss()).isCloseTo(Math.log(10), within(1e-15));

    LossRun impossible = classify(new double[] {NEGATIVE_INFINITY, 0, 1}, 0);
    assertThat(impossible.meanLoss()).isEqualTo(POSITIVE_INFINITY);
    assertThat(impossible.gradient()[0])
        .containsExactly(new double[] {-1, 0.2689414, 0.7310586}, within(1e-7)); // as printed
    assertThat(impossible.progress().firstNonFiniteStep()).isEqualTo(1);
  }

  @Test
  void oneClassHasNothingToLearn() {
    LossRun run = distil(5, 0.5, new double[] {3}, new double[] {-8});

    assertThat(run.meanLoss()).isEqualTo(0);
    assertThat(run.gradient()[0]).containsExactly(0.0);
    assertThat(run.progress().correct()).isEqualTo(1);
  }

  @Test
  void withoutAnyLabelTheCrossEntropyIsZero() {
    double[][] z = {{1, 2, 3}, {3, 2, 1}};

    LossRun run = LossRun.of(LossSpec.CROSS_ENTROPY, z, null, -100, -100);

    assertThat(run.meanLoss()).isEqualTo(0); // PyTorch's mean over no row is NaN
    assertThat(run.gradient()).isDeepEqualTo(new double[2][3]);
    assertThat(run.progress().labelledRows()).isZero();
  }

  @Test
  void anUnlabelledRowThatIsNotFiniteStaysOutOfTheCrossEntropy() {
    double[][] z = {{1, 2, 3}, {NaN, POSITIVE_INFINITY, 1}};

    LossRun run = LossRun.of(LossSpec.CROSS_ENTROPY, z, null, 2, -100);

    assertThat(run.meanLoss()).isCloseTo(ExactLoss.crossEntropy(z[0], 2), within(1e-15));
    assertThat(run.gradient()[1]).containsExactly(0, 0, 0); // NaN in PyTorch
    assertThat(run.progress().firstNonFiniteStep()).isEqualTo(1);
  }

  @Test
  void theFirstOfEqualLogitsIsThePredictionAndNaNBeatsAll() {
    assertPrediction(1, 1, 4, 4);
    assertPrediction(0, 4, 4, 1);
    assertPrediction(2, 9, 8, NaN);
    assertPrediction(1, 9, NaN, NaN);
    assertPrediction(0, NaN, POSITIVE_INFINITY, NaN);
  }

  private static void assertPrediction(int expected, double... z) {
    for (int label = 0; label < z.length; label++) {
      assertThat(classify(z, label).progress().correct()).isEqualTo(label == expected ? 1 : 0);
    }
  }

  private static LossRun distil(double temperature, double alpha, double[] z, double[] v) {
    return LossRun.of(new LossSpec(temperature, alpha), new double[][] {z}, new double[][] {v}, 0);
  }

  private static LossRun classify(double[] z, int label) {
    return LossRun.of(LossSpec.CROSS_ENTROPY, new double[][] {z}, null, label);
  }
}
