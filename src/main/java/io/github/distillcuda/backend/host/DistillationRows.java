package io.github.distillcuda.backend.host;

/**
 * The distillation loss of a batch on plain arrays, {@code alpha * T^2 * KL + (1 - alpha) * CE},
 * and its gradient with respect to the student's logits.
 *
 * <p>The distillation term is a mean over the N rows, the cross-entropy one over the labelled rows,
 * as in PyTorch: a row whose label is {@link #NO_LABEL} leaves the second and its count. With alpha
 * 0 the teacher is not read, with alpha 1 labels are read for the accuracy alone; a term that is
 * not computed counts 0. Rows are summed in order, in double.
 *
 * <p>An object holds the results of the last batch and is for one thread; {@link #compute}
 * allocates nothing.
 */
public final class DistillationRows {
  /** The label of a row without one. */
  public static final int NO_LABEL = -100;

  private final int classes;
  private final double temperature;
  private final double alpha;
  private final DistillationRow row;

  private double distillationSum;
  private double crossEntropySum;
  private int labelledRows;
  private int correct;
  private boolean finite;
  private double loss;

  /**
   * Scratch space and the constants of the loss.
   *
   * @param classes the number of logits in a row
   * @param temperature T, positive and finite
   * @param alpha the weight of the distillation term, in [0, 1]
   */
  public DistillationRows(int classes, double temperature, double alpha) {
    if (!(temperature > 0) || Double.isInfinite(temperature) || !(alpha >= 0 && alpha <= 1)) {
      throw new IllegalArgumentException("temperature " + temperature + ", alpha " + alpha);
    }
    this.classes = classes;
    this.temperature = temperature;
    this.alpha = alpha;
    row = new DistillationRow(classes);
  }

  /**
   * Computes a batch.
   *
   * @param studentLogits z, [N, classes]
   * @param teacherLogits v, [N, classes]; not read, and may be null, if alpha is 0
   * @param labels [N], each in [0, classes) or {@link #NO_LABEL}
   * @param rows N, at least 1
   * @param gradient receives dL/dz, [N, classes]
   */
  public void compute(
      float[] studentLogits, float[] teacherLogits, int[] labels, int rows, float[] gradient) {
    clear();
    countLabels(studentLogits, labels, rows);
    // Means: 1/N for the distillation term, 1/labelled rows for the cross-entropy.
    double distillationWeight = alpha / rows;
    double crossEntropyWeight = labelledRows == 0 ? 0 : (1 - alpha) / labelledRows;
    for (int n = 0; n < rows; n++) {
      int offset = n * classes;
      row.clearGradient();
      finite &= isFinite(studentLogits, offset);
      if (alpha > 0) {
        finite &= isFinite(teacherLogits, offset);
        distillationSum +=
            row.addDistillation(
                studentLogits, offset, teacherLogits, offset, temperature, distillationWeight);
      }
      if (alpha < 1 && labels[n] != NO_LABEL) {
        crossEntropySum +=
            row.addCrossEntropy(studentLogits, offset, labels[n], crossEntropyWeight);
      }
      for (int i = 0; i < classes; i++) {
        gradient[offset + i] = (float) row.gradient(i);
      }
    }
    // Not "0 * sum" for a term without weight: its sum may be infinite.
    loss =
        (alpha > 0 ? distillationWeight * distillationSum : 0)
            + (crossEntropyWeight > 0 ? crossEntropyWeight * crossEntropySum : 0);
  }

  private void clear() {
    distillationSum = 0;
    crossEntropySum = 0;
    labelledRows = 0;
    correct = 0;
    finite = true;
  }

  private void countLabels(float[] studentLogits, int[] labels, int rows) {
    if (rows < 1) {
      throw new IllegalArgumentException(rows + " rows");
    }
    for (int n = 0; n < rows; n++) {
      int label = labels[n];
      if (label != NO_LABEL) {
        if (label < 0 || label >= classes) {
          throw new IllegalArgumentException(
              "label %d of row %d is not in [0, %d)".formatted(label, n, classes));
        }
        labelledRows++;
        correct += row.argmax(studentLogits, n * classes) == label ? 1 : 0;
      }
    }
  }

  private boolean isFinite(float[] logits, int offset) {
    for (int i = 0; i < classes; i++) {
      if (!Float.isFinite(logits[offset + i])) {
        return false;
      }
    }
    return true;
  }

  /** Returns the loss of the batch. */
  public double loss() {
    return loss;
  }

  /** Returns the sum over the rows of T^2*KL, unweighted; 0 if alpha is 0. */
  public double distillationSum() {
    return distillationSum;
  }

  /** Returns the sum over the labelled rows of the cross-entropy, unweighted; 0 if alpha is 1. */
  public double crossEntropySum() {
    return crossEntropySum;
  }

  /** Returns the number of rows with a label. */
  public int labelledRows() {
    return labelledRows;
  }

  /** Returns the number of labelled rows whose largest logit, the first of equals, is the label. */
  public int correct() {
    return correct;
  }

  /** Returns whether every logit that was read is finite. */
  public boolean finite() {
    return finite;
  }
}
