package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.RowOutcome;
import java.util.Arrays;

/** What the loss of a batch must be. */
final class LossExpectation {
  private final LossBatch batch;
  private final double alpha;
  private final LossRow[] rows;

  LossExpectation(LossBatch batch, float temperature, float alpha) {
    this.batch = batch;
    this.alpha = alpha;
    rows = new LossRow[batch.rows()];
    for (int n = 0; n < rows.length; n++) {
      rows[n] = new LossRow(batch.z(), batch.v(), n, batch.classes(), temperature);
    }
  }

  int labelledRows() {
    int count = 0;
    for (int n = 0; n < rows.length; n++) {
      count += rows[n].isClass(batch.labels()[n]) ? 1 : 0;
    }
    return count;
  }

  /** Not computed at alpha = 0. */
  Expected distillation() {
    double[] exact = new double[rows.length];
    double[] tolerance = new double[rows.length];
    for (int n = 0; n < rows.length && alpha > 0; n++) {
      exact[n] = rows[n].distillation();
      tolerance[n] = rows[n].distillationTolerance();
    }
    return Expected.near(exact, tolerance);
  }

  /** Not computed at alpha = 1. */
  Expected crossEntropy() {
    double[] exact = new double[rows.length];
    double[] tolerance = new double[rows.length];
    for (int n = 0; n < rows.length && alpha < 1; n++) {
      exact[n] = rows[n].crossEntropy(batch.labels()[n]);
      tolerance[n] = rows[n].crossEntropyTolerance(batch.labels()[n]);
    }
    return Expected.near(exact, tolerance);
  }

  /**
   * The gradient of the mean loss: each term has a denominator and a tolerance of its own. A
   * relative error of a single element would mean nothing where p and q cancel.
   */
  Expected gradient() {
    int classes = batch.classes();
    double[] exact = new double[rows.length * classes];
    double[] tolerance = new double[exact.length];
    for (int n = 0; n < rows.length; n++) {
      int label = batch.labels()[n];
      double ofRow = 0;
      if (alpha > 0) {
        double scale = alpha / rows.length;
        add(exact, n * classes, rows[n].distillationGradient(), scale);
        ofRow += scale * rows[n].distillationGradientTolerance();
      }
      if (alpha < 1 && rows[n].isClass(label)) {
        double scale = (1 - alpha) / labelledRows();
        add(exact, n * classes, rows[n].crossEntropyGradient(label), scale);
        ofRow += scale * rows[n].crossEntropyGradientTolerance(label);
      }
      Arrays.fill(tolerance, n * classes, (n + 1) * classes, ofRow);
    }
    return Expected.near(exact, tolerance);
  }

  private static void add(double[] sum, int at, double[] gradient, double scale) {
    for (int c = 0; c < gradient.length; c++) {
      sum[at + c] += scale * gradient[c];
    }
  }

  int[] outcomes() {
    int[] outcomes = new int[rows.length];
    for (int n = 0; n < rows.length; n++) {
      outcomes[n] = outcome(n);
    }
    return outcomes;
  }

  private int outcome(int n) {
    int label = batch.labels()[n];
    boolean labelled = rows[n].isClass(label);
    boolean finite = isFinite(batch.z(), n) && (alpha == 0 || isFinite(batch.v(), n));
    return (labelled ? RowOutcome.LABELLED : 0)
        | (labelled && rows[n].argmax() == label ? RowOutcome.CORRECT : 0)
        | (finite ? 0 : RowOutcome.NOT_FINITE)
        | (labelled || label == LossBatch.NO_LABEL ? 0 : RowOutcome.BAD_LABEL);
  }

  private boolean isFinite(float[] logits, int row) {
    for (int c = 0; c < batch.classes(); c++) {
      if (!Float.isFinite(logits[row * batch.classes() + c])) {
        return false;
      }
    }
    return true;
  }
}
