package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What holds for the loss whatever its numbers are. */
interface LossPropertyContract extends ContractFixture {
  int ROWS = 33;
  int CLASSES = 10;

  /** Logits lie within this of 0. */
  double LARGEST = 4;

  int[] LABELS = IntStream.range(0, ROWS).map(n -> n % CLASSES).toArray();

  @Test
  default void everyRowOfTheGradientSumsToZero() {
    for (double temperature : new double[] {0.1, 1, 5, 1000}) {
      LossSpec spec = new LossSpec(temperature, 0.7);
      double[] gradient = run(spec, student(), teacher(), LABELS).gradient();
      for (int n = 0; n < ROWS; n++) {
        double[] row = row(gradient, n);
        // Each element may be off by this much of the largest, and there are ten of them.
        double bound =
            CLASSES
                * (tolerances().lossGradient() * Numbers.largest(row)
                    + tolerances().textbookGradient(temperature, LARGEST) / ROWS);
        Numbers.assertWithin(bound, Arrays.stream(row).sum(), 0, "sum of row " + n);
        assertThat(Numbers.largest(row)).isPositive();
      }
    }
  }

  @Test
  default void aStudentThatIsItsTeacherHasNoDistillationLossAtAll() {
    for (double temperature : new double[] {1e-3, 0.5, 5, 1e3, 1e6}) {
      float[] logits = GoldenHash.symmetric(1, ROWS * CLASSES, 1e4);
      LossProbe probe = run(new LossSpec(temperature, 1), logits, logits, LABELS);
      double loss = ROWS * tolerances().textbookLoss(temperature, CLASSES, 1e4);
      Numbers.assertWithin(loss, probe.progress().distillationSum(), 0, "T^2*KL");
      Numbers.assertWithin(loss, probe.progress().lossSum(), 0, "loss");
      double gradient = tolerances().textbookGradient(temperature, 1e4) / ROWS;
      Numbers.assertWithin(i -> gradient, probe.gradient(), new double[ROWS * CLASSES], "dz");
    }
  }

  /** Hinton et al. 2015, equation 4: matching logits is the limit of distillation. */
  @Test
  default void atHighTemperatureTheGradientIsTheDifferenceOfCentredLogits() {
    float[] z = student();
    float[] v = teacher();
    double[] gradient = run(new LossSpec(1e6, 1), z, v, LABELS).gradient();
    for (int n = 0; n < ROWS; n++) {
      double[] difference = new double[CLASSES];
      for (int c = 0; c < CLASSES; c++) {
        difference[c] = (double) z[n * CLASSES + c] - v[n * CLASSES + c];
      }
      double mean = Arrays.stream(difference).average().orElseThrow();
      double[] limit = Arrays.stream(difference).map(d -> (d - mean) / (ROWS * CLASSES)).toArray();
      // The limit drops terms of relative size logit/T, 4e-6 here, beside the backend's own error.
      double bound =
          (1e-5 + tolerances().lossGradient()) * Numbers.largest(limit)
              + tolerances().textbookGradient(1e6, LARGEST) / ROWS;
      Numbers.assertWithin(c -> bound, row(gradient, n), limit, "row " + n);
    }
  }

  @Test
  default void alphaZeroIsTheCrossEntropyToTheBitAndDoesNotReadTheTeacher() {
    float[] unreadable = new float[ROWS * CLASSES];
    Arrays.fill(unreadable, Float.NaN);
    LossProbe plain = run(LossSpec.CROSS_ENTROPY, student(), null, LABELS);
    LossProbe alphaZero = run(new LossSpec(5, 0), student(), unreadable, LABELS);
    assertThat(alphaZero.progress()).isEqualTo(plain.progress());
    assertThat(alphaZero.progress().distillationSum()).isZero();
    assertThat(alphaZero.progress().firstNonFiniteStep()).isZero();
    Numbers.assertSameBits(alphaZero.gradient(), plain.gradient(), "gradient");
  }

  @Test
  default void alphaOneReadsTheLabelsForTheCountAlone() {
    LossSpec spec = new LossSpec(5, 1);
    int[] none = IntStream.generate(() -> -100).limit(ROWS).toArray();
    LossProbe labelled = run(spec, student(), teacher(), LABELS);
    LossProbe unlabelled = run(spec, student(), teacher(), none);
    assertThat(labelled.progress().labelledRows()).isEqualTo(ROWS);
    assertThat(unlabelled.progress().labelledRows()).isZero();
    assertThat(unlabelled.progress().correct()).isZero();
    assertThat(unlabelled.progress().lossSum()).isEqualTo(labelled.progress().lossSum());
    Numbers.assertSameBits(unlabelled.gradient(), labelled.gradient(), "gradient");
  }

  /** A row alone and the same row among 33: only the mean's 1/N may differ. */
  @Test
  default void aRowDoesNotDependOnItsNeighbours() {
    LossSpec spec = new LossSpec(5, 0.7);
    LossProbe together = run(spec, student(), teacher(), LABELS);
    double distillation = 0;
    double crossEntropy = 0;
    long correct = 0;
    for (int n = 0; n < ROWS; n++) {
      float[] z = row(student(), n);
      LossProbe alone = run(spec, z, row(teacher(), n), LABELS[n]);
      distillation += alone.progress().distillationSum();
      crossEntropy += alone.progress().crossEntropySum();
      correct += alone.progress().correct();
      // The parts of a row, at most alpha*T and 1-alpha, are each rounded twice more or less.
      Numbers.assertWithin(
          c -> 2 * tolerances().epsilon() * spec.temperature(),
          Arrays.stream(row(together.gradient(), n)).map(g -> g * ROWS).toArray(),
          alone.gradient(),
          "row " + n);
    }
    double unit = ROWS * tolerances().epsilon();
    Numbers.assertWithin(
        unit * distillation, together.progress().distillationSum(), distillation, "T^2*KL");
    Numbers.assertWithin(
        unit * crossEntropy, together.progress().crossEntropySum(), crossEntropy, "CE");
    assertThat(together.progress().correct()).isEqualTo(correct).isPositive();
  }

  @Test
  default void ofEqualLogitsTheFirstIsTheAnswer() {
    float[] logits = {2, 2, 1, 0, 3, 3, -1, -1, -1};
    assertThat(run(LossSpec.CROSS_ENTROPY, logits, null, 0, 1, 0).progress().correct())
        .isEqualTo(3);
    assertThat(run(LossSpec.CROSS_ENTROPY, logits, null, 1, 2, 2).progress().correct()).isZero();
  }

  @Test
  default void aLabelBeyondTheClassesIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> run(LossSpec.CROSS_ENTROPY, new float[] {1, 2}, null, 2));
  }

  private LossProbe run(LossSpec spec, float[] student, float[] teacher, int... labels) {
    return LossProbe.run(backend(), spec, student, teacher, labels);
  }

  private static float[] student() {
    return GoldenHash.symmetric(2, ROWS * CLASSES, LARGEST);
  }

  private static float[] teacher() {
    return GoldenHash.symmetric(3, ROWS * CLASSES, LARGEST);
  }

  private static float[] row(float[] batch, int n) {
    return Arrays.copyOfRange(batch, n * CLASSES, (n + 1) * CLASSES);
  }

  private static double[] row(double[] batch, int n) {
    return Arrays.copyOfRange(batch, n * CLASSES, (n + 1) * CLASSES);
  }
}
