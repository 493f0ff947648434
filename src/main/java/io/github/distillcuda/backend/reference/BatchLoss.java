package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.ResidentDataset;

/**
 * The loss of one batch, {@code alpha*mean(T^2*KL) + (1-alpha)*mean(CE)}, and its gradient. The
 * first mean is over all rows, the second over the labelled ones, as in PyTorch; without any, the
 * second is 0.
 */
final class BatchLoss {
  private final double alpha;
  private final int rows;
  private final int classes;
  private final RowLoss row;
  private final ReferenceTensor logits;
  private final ReferenceTensor teacherLogits;
  private final ReferenceTensor gradLogits;

  /**
   * Prepares the loss.
   *
   * @param teacherLogits null if alpha is 0
   */
  BatchLoss(
      double temperature, double alpha, ReferenceTensor logits, ReferenceTensor teacherLogits) {
    this.alpha = alpha;
    this.rows = logits.shape().extent(0);
    this.classes = logits.shape().extent(1);
    this.row = new RowLoss(temperature, classes);
    this.logits = logits;
    this.teacherLogits = teacherLogits;
    this.gradLogits = new ReferenceTensor(logits.lifetime(), "gradLogits", logits.shape());
  }

  /** Returns the gradient, [N, classes]. */
  ReferenceTensor gradLogits() {
    return gradLogits;
  }

  /** Computes the loss and adds it to the sums of the epoch. */
  void run(ReferenceBatch batch, ReferenceState state) {
    if (!logits.isFinite() || (teacherLogits != null && !teacherLogits.isFinite())) {
      state.markNonFinite();
    }
    gradLogits.fill(0);
    state.addLoss(distillation(state) + crossEntropy(batch, state), rows);
    countCorrect(batch, state);
  }

  /** Returns alpha*mean(T^2*KL); does not read the teacher if alpha is 0. */
  private double distillation(ReferenceState state) {
    if (alpha == 0) {
      return 0;
    }
    double sum = 0;
    for (int n = 0; n < rows; n++) {
      double term = row.distillation(logits, teacherLogits, n * classes);
      addGradient(n, alpha / rows);
      state.addDistillation(term);
      sum += term;
    }
    return alpha * sum / rows;
  }

  /** Returns (1-alpha)*mean(CE); does not read the labels if alpha is 1. */
  private double crossEntropy(ReferenceBatch batch, ReferenceState state) {
    int labelled = alpha == 1 ? 0 : labelledRows(batch);
    if (labelled == 0) {
      return 0;
    }
    double sum = 0;
    for (int n = 0; n < rows; n++) {
      int label = batch.label(n);
      if (label != ResidentDataset.NO_LABEL) {
        double term = row.crossEntropy(logits, n * classes, label);
        addGradient(n, (1 - alpha) / labelled);
        state.addCrossEntropy(term);
        sum += term;
      }
    }
    return (1 - alpha) * sum / labelled;
  }

  private void addGradient(int n, double factor) {
    for (int c = 0; c < classes; c++) {
      gradLogits.add(n * classes + c, factor * row.gradient(c));
    }
  }

  private int labelledRows(ReferenceBatch batch) {
    int labelled = 0;
    for (int n = 0; n < rows; n++) {
      if (batch.label(n) != ResidentDataset.NO_LABEL) {
        labelled++;
      }
    }
    return labelled;
  }

  private void countCorrect(ReferenceBatch batch, ReferenceState state) {
    for (int n = 0; n < rows; n++) {
      int label = batch.label(n);
      if (label != ResidentDataset.NO_LABEL) {
        state.addPrediction(Softmax.indexOfLargest(logits, n * classes, classes) == label);
      }
    }
  }
}
