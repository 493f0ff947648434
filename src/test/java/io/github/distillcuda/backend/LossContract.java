package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The distillation loss and its gradient against PyTorch, and against 60 digits where that errs.
 */
interface LossContract extends ContractFixture {
  int NO_LABEL = -100;

  /** No float32 is smaller, and 60 digits do not hold the difference of such a number to 1. */
  double TINY = Float.MIN_VALUE;

  /** The numbers that the project promises in print, with as many digits as are printed. */
  @Test
  default void theGoldenCase() {
    float[] student = {1, 2, 3, 0, 0, 0};
    float[] teacher = {3, 1, 0, 0, 2, 0};
    LossProbe probe = LossProbe.run(backend(), new LossSpec(5, 0.7), student, teacher, 2, 1);
    double unit = Math.max(5e-11, tolerances().lossGradient());
    Numbers.assertWithin(
        25 * unit, probe.progress().distillationSum() / 2, 25 * 0.0526595382, "T^2*KL");
    Numbers.assertWithin(unit, probe.progress().crossEntropySum() / 2, 0.7531091266, "CE");
    Numbers.assertWithin(unit, probe.progress().lossSum() / 2, 1.1474746557, "loss");
    double[] gradient = {-0.30380403, 0.08372968, 0.22007434, 0.1321627, -0.2643254, 0.1321627};
    Numbers.assertWithin(i -> Math.max(1e-7, unit), probe.gradient(), gradient, "gradient");
  }

  @Test
  default void singleRowsArePyTorchs() {
    GoldenRows rows = new GoldenRows();
    assertThat(rows.count()).isGreaterThan(300);
    for (int i = 0; i < rows.count(); i++) {
      LossSpec spec = rows.spec(i);
      float[] student = rows.student(i);
      String what = "row %d, %d classes, %s: ".formatted(i, student.length, spec);
      LossProbe probe = LossProbe.run(backend(), spec, student, rows.teacher(i), rows.label(i));
      double[] sums = rows.sums(i);
      double largest = largest(student, rows.teacher(i));
      Size size = new Size(1, 1, student.length, spread(student), largest);
      assertSums(probe.progress(), spec, sums, size, what);
      double bound =
          tolerances().lossGradient() * rows.gradientScale(i)
              + tolerances().textbookGradient(spec.temperature(), largest)
              + TINY;
      Numbers.assertWithin(k -> bound, probe.gradient(), rows.gradient(i), what + "gradient");
      assertThat(probe.progress().labelledRows())
          .as(what + "labelled rows")
          .isEqualTo(rows.label(i) == NO_LABEL ? 0 : 1);
      assertThat(probe.progress().firstNonFiniteStep()).as(what + "not finite").isZero();
    }
  }

  @Test
  default void batchesArePyTorchsWithRowsThatHaveNoLabel() {
    JsonObject golden = Golden.section("lossBatches");
    int classes = golden.get("classes").getAsInt();
    double spread = golden.get("spread").getAsDouble();
    JsonObject seeds = golden.getAsJsonObject("seeds");
    LossSpec spec =
        new LossSpec(golden.get("temperature").getAsDouble(), golden.get("alpha").getAsDouble());
    for (int n : Golden.integers(golden.get("sizes"))) {
      String name = "lossBatches." + n + ".";
      int count = n * classes;
      float[] student = GoldenHash.symmetric(seeds.get("student").getAsLong(), count, spread);
      float[] teacher = GoldenHash.symmetric(seeds.get("teacher").getAsLong(), count, spread);
      byte[] hashed = GoldenHash.labels(seeds.get("labels").getAsLong(), n, classes);
      int[] labels = IntStream.range(0, n).map(i -> i % 6 == 5 ? NO_LABEL : hashed[i]).toArray();
      int labelled = (int) Arrays.stream(labels).filter(y -> y != NO_LABEL).count();

      LossProbe probe = LossProbe.run(backend(), spec, student, teacher, labels);
      double[] sums = Golden.doubles(name + "sums");
      Size size = new Size(n, labelled, classes, 2 * spread, spread);
      assertSums(probe.progress(), spec, sums, size, name);
      double[] scale = Golden.doubles(name + "gradientScale");
      Numbers.assertWithin(
          i ->
              tolerances().lossGradient() * scale[i / classes]
                  + tolerances().textbookGradient(spec.temperature(), spread) / n,
          probe.gradient(),
          Golden.doubles(name + "gradient"),
          name + "gradient");
      assertThat(probe.progress().labelledRows()).isEqualTo(labelled);
      assertThat(probe.progress().correct()).isEqualTo(correct(student, labels, classes));
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.distillcuda.backend.AdversarialLoss#all")
  default void adversarialInputs(AdversarialLoss golden) {
    LossProbe probe =
        LossProbe.run(
            backend(), golden.spec(), golden.student(), golden.teacher(), golden.labels());
    if (isNotANumber(golden)) {
      assertThat(probe.progress().firstNonFiniteStep()).isEqualTo(1);
      return;
    }
    int rows = golden.labels().length;
    int labelled = (int) Arrays.stream(golden.labels()).filter(y -> y != NO_LABEL).count();
    double[] sums = {golden.distillation(), golden.crossEntropy(), golden.loss()};
    int classes = golden.student().length / rows;
    double largest = largest(golden.student(), golden.teacher());
    Size size = new Size(rows, labelled, classes, spread(golden.student()), largest);
    assertSums(probe.progress(), golden.spec(), sums, size, "");
    double textbook = tolerances().textbookGradient(golden.spec().temperature(), largest) / rows;
    Numbers.assertWithin(
        i -> tolerances().lossGradient() * golden.gradientScale()[i / classes] + textbook,
        probe.gradient(),
        golden.gradient(),
        "gradient");
    assertThat(probe.progress().firstNonFiniteStep()).isEqualTo(golden.finite() ? 0 : 1);
  }

  /**
   * Returns whether the loss is not a number although the definition's is: then the step must be
   * marked, which ends a training.
   */
  default boolean isNotANumber(AdversarialLoss golden) {
    return false;
  }

  /**
   * What errors grow with.
   *
   * @param spread largest less smallest logit of the student
   * @param largest the largest logit of either, without its sign
   */
  record Size(int rows, int labelled, int classes, double spread, double largest) {}

  /**
   * Asserts the sums of an epoch of one batch.
   *
   * @param golden sum of T^2*KL, sum of the cross-entropy, mean loss
   */
  private void assertSums(
      StepProgress actual, LossSpec spec, double[] golden, Size size, String what) {
    int rows = size.rows();
    int labelled = size.labelled();
    ContractTolerances allowed = tolerances();
    double t = spec.temperature();
    double distillation =
        allowed.distillation() * golden[0]
            + rows * allowed.distillationFloor() * Math.min(1, t * t)
            + rows * allowed.textbookLoss(t, size.classes(), size.largest());
    double crossEntropy =
        labelled
            * (allowed.crossEntropy() * (1 + size.spread()) + allowed.textbook() * size.largest());
    double loss =
        spec.alpha() * distillation
            + (1 - spec.alpha()) * crossEntropy * rows / Math.max(1, labelled);
    Numbers.assertWithin(distillation, actual.distillationSum(), golden[0], what + "T^2*KL");
    Numbers.assertWithin(crossEntropy, actual.crossEntropySum(), golden[1], what + "CE");
    Numbers.assertWithin(loss, actual.lossSum(), golden[2] * rows, what + "loss");
  }

  /** Returns the largest less the smallest of the finite logits, which bounds max - any. */
  private static double spread(float[] logits) {
    double[] finite = Arrays.stream(Numbers.widened(logits)).filter(Double::isFinite).toArray();
    return Arrays.stream(finite).max().orElse(0) - Arrays.stream(finite).min().orElse(0);
  }

  private static double largest(float[] student, float[] teacher) {
    double largest = 0;
    for (float[] logits : new float[][] {student, teacher == null ? student : teacher}) {
      for (float logit : logits) {
        largest = Float.isFinite(logit) ? Math.max(largest, Math.abs(logit)) : largest;
      }
    }
    return largest;
  }

  private static long correct(float[] logits, int[] labels, int classes) {
    long correct = 0;
    for (int n = 0; n < labels.length; n++) {
      int largest = 0;
      for (int c = 1; c < classes; c++) {
        if (logits[n * classes + c] > logits[n * classes + largest]) {
          largest = c;
        }
      }
      correct += largest == labels[n] ? 1 : 0;
    }
    return correct;
  }
}
