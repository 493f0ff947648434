package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.ElementType;
import java.util.Arrays;

/**
 * What the loss of a batch of vocabulary-wide rows must be, and how near. Values are those of
 * {@link LossRow}; the tolerances are of the cheaper form that these kernels use, from the errors
 * of its steps in float32.
 */
final class WideLossExpectation {
  /**
   * Relative error of an exponential, beside what its exponent's rounding makes: 2 units in the
   * last place of ex2, and the rounding of the sum that it is divided by.
   */
  private static final double OF_EXPONENTIAL = 1e-6;

  /** Roundings of an exponent (a difference and two factors), as a relative error of e^t by t. */
  private static final double OF_EXPONENT = 3 * 0x1p-24;

  /** Places without a class at both ends of a row, for each of which a polynomial adds 2^-126. */
  private static final double OF_PLACES = 16 * Float.MIN_NORMAL;

  private final LossBatch batch;
  private final double temperature;
  private final double alpha;
  private final ElementType type;
  private final LossRow[] rows;
  private final LossExpectation narrow;

  WideLossExpectation(LossBatch batch, float temperature, float alpha, ElementType type) {
    this.batch = batch;
    this.temperature = temperature;
    this.alpha = alpha;
    this.type = type;
    narrow = new LossExpectation(batch, temperature, alpha);
    rows = new LossRow[batch.rows()];
    for (int n = 0; n < rows.length; n++) {
      rows[n] = new LossRow(batch.z(), batch.v(), n, batch.classes(), temperature);
    }
  }

  private double[] row(float[] matrix, int n) {
    double[] x = new double[batch.classes()];
    for (int c = 0; c < x.length; c++) {
      x[c] = matrix[n * x.length + c];
    }
    return x;
  }

  /** How far below its maximum a logit is, in units of the temperature; 0 for an infinite one. */
  private static double exponent(double[] x, double max, int c, double temperature) {
    double t = (max - x[c]) / temperature;
    return Double.isFinite(t) ? t : 0;
  }

  Expected distillation() {
    double[] exact = new double[rows.length];
    double[] tolerance = new double[rows.length];
    for (int n = 0; n < rows.length && alpha > 0; n++) {
      exact[n] = rows[n].distillation();
      tolerance[n] = distillationTolerance(row(batch.z(), n), row(batch.v(), n));
    }
    return Expected.near(exact, tolerance);
  }

  /**
   * KL is a mean of log ratios under q and the log of the ratio of the two sums: each log ratio has
   * the errors of both its exponents, each weight those of q. Equal logits have equal errors.
   */
  private double distillationTolerance(double[] z, double[] v) {
    if (Arrays.equals(z, v)) {
      return 0;
    }
    double[] q = LossRow.softmax(v, temperature);
    double zMax = LossRow.max(z);
    double vMax = LossRow.max(v);
    double error = OF_EXPONENTIAL;
    for (int c = 0; c < z.length; c++) {
      double tz = exponent(z, zMax, c, temperature);
      double tv = exponent(v, vMax, c, temperature);
      error +=
          q[c]
              * (OF_EXPONENT * (tz + tv) + (OF_EXPONENTIAL + OF_EXPONENT * tv) * Math.abs(tv - tz));
    }
    return Double.isNaN(error) ? 0 : temperature * temperature * error;
  }

  Expected crossEntropy() {
    double[] exact = new double[rows.length];
    double[] tolerance = new double[rows.length];
    for (int n = 0; n < rows.length && alpha < 1; n++) {
      exact[n] = rows[n].crossEntropy(batch.labels()[n]);
      tolerance[n] = rows[n].crossEntropyTolerance(batch.labels()[n]);
    }
    return Expected.near(exact, tolerance);
  }

  Expected gradient() {
    int classes = batch.classes();
    double[] exact = new double[rows.length * classes];
    double[] tolerance = new double[exact.length];
    for (int n = 0; n < rows.length; n++) {
      if (alpha > 0) {
        addDistillation(n, exact, tolerance);
      }
      if (alpha < 1 && rows[n].isClass(batch.labels()[n])) {
        addCrossEntropy(n, exact, tolerance);
      }
    }
    return DistillationLossWideCases.near(type, exact, tolerance);
  }

  /** The errors of p and of q, whose difference the gradient is. */
  private void addDistillation(int n, double[] exact, double[] tolerance) {
    double[] z = row(batch.z(), n);
    double[] v = row(batch.v(), n);
    double[] gradient = rows[n].distillationGradient();
    double scale = alpha / rows.length;
    double[] ofP = errorsOfSoftmax(z, temperature);
    double[] ofQ = errorsOfSoftmax(v, temperature);
    for (int c = 0; c < z.length; c++) {
      exact[n * z.length + c] += scale * gradient[c];
      tolerance[n * z.length + c] += scale * temperature * (ofP[c] + ofQ[c]);
    }
  }

  private void addCrossEntropy(int n, double[] exact, double[] tolerance) {
    double[] z = row(batch.z(), n);
    double[] gradient = rows[n].crossEntropyGradient(batch.labels()[n]);
    double scale = (1 - alpha) / labelledRows();
    double[] ofS = errorsOfSoftmax(z, 1);
    double ofOthers = 0;
    for (int c = 0; c < z.length; c++) {
      ofOthers += c == batch.labels()[n] ? 0 : ofS[c];
    }
    for (int c = 0; c < z.length; c++) {
      exact[n * z.length + c] += scale * gradient[c];
      double ofLabel = 2 * ofOthers + OF_PLACES;
      tolerance[n * z.length + c] += scale * (c == batch.labels()[n] ? ofLabel : ofS[c]);
    }
  }

  /** Of each probability: its own exponential's error and the sum's, which is their mean. */
  private static double[] errorsOfSoftmax(double[] x, double temperature) {
    double[] p = LossRow.softmax(x, temperature);
    double max = LossRow.max(x);
    double ofSum = 0;
    for (int c = 0; c < x.length; c++) {
      ofSum += p[c] * OF_EXPONENT * exponent(x, max, c, temperature);
    }
    double[] errors = new double[x.length];
    for (int c = 0; c < x.length; c++) {
      double ofOwn = OF_EXPONENT * exponent(x, max, c, temperature);
      double error = p[c] * (OF_EXPONENTIAL + ofOwn + ofSum);
      errors[c] = Double.isNaN(error) ? 0 : error + 2 * Float.MIN_NORMAL; // what underflows
    }
    return errors;
  }

  int labelledRows() {
    return narrow.labelledRows();
  }

  int[] outcomes() {
    return narrow.outcomes();
  }
}
