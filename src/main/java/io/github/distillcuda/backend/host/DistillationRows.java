package io.github.distillcuda.backend.host;

import io.github.distillcuda.backend.ResidentDataset;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The distillation loss of a batch on plain arrays, {@code alpha * T^2 * KL + (1 - alpha) * CE},
 * and its gradient with respect to the student's logits.
 *
 * <p>The distillation term is a mean over the N rows, the cross-entropy one over the labelled rows,
 * as in PyTorch: a row whose label is {@link ResidentDataset#NO_LABEL} leaves the second and its
 * count. With alpha 0 the teacher is not read, with alpha 1 labels are read for the accuracy alone;
 * a term that is not computed counts 0. Rows are summed in order, in double, whatever thread
 * computed them: the results have the same bits for every number of threads.
 *
 * <p>An object holds the results of the last batch and is for one caller at a time; {@link
 * #compute} allocates nothing unless a batch is larger than all before.
 */
public final class DistillationRows {
  private final int classes;
  private final double temperature;
  private final double alpha;
  private final DistillationRow[] scratch;

  /** Of each row, in the last batch. */
  private double[] distillation = {};

  private double[] crossEntropy = {};
  private int[] top = {};
  private boolean[] finiteRow = {};

  private double distillationSum;
  private double crossEntropySum;
  private int labelledRows;
  private int correct;
  private boolean finite;
  private double loss;

  /** What all rows of a batch share. */
  private record Batch(
      float[] studentLogits,
      float[] teacherLogits,
      int[] labels,
      double distillationWeight,
      double crossEntropyWeight,
      float[] gradient) {}

  /** The loss on the caller's thread alone. */
  public DistillationRows(int classes, double temperature, double alpha) {
    this(classes, temperature, alpha, 1);
  }

  /**
   * Scratch space and the constants of the loss.
   *
   * @param classes the number of logits in a row
   * @param temperature T, in the range of positive floats
   * @param alpha the weight of the distillation term, in [0, 1]
   * @param threads how many share the rows: the caller's and others of the common pool
   */
  public DistillationRows(int classes, double temperature, double alpha, int threads) {
    boolean isFloat = temperature >= Float.MIN_VALUE && temperature <= Float.MAX_VALUE;
    if (!isFloat || !(alpha >= 0 && alpha <= 1)) {
      throw new IllegalArgumentException("temperature " + temperature + ", alpha " + alpha);
    }
    this.classes = classes;
    this.temperature = temperature;
    this.alpha = alpha;
    scratch =
        Stream.generate(() -> new DistillationRow(classes))
            .limit(threads)
            .toArray(DistillationRow[]::new);
  }

  /**
   * Computes a batch.
   *
   * @param studentLogits z, [N, classes]
   * @param teacherLogits v, [N, classes]; not read, and may be null, if alpha is 0
   * @param labels [N], each in [0, classes) or {@link ResidentDataset#NO_LABEL}
   * @param rows N, at least 1
   * @param gradient receives dL/dz, [N, classes]
   */
  public void compute(
      float[] studentLogits, float[] teacherLogits, int[] labels, int rows, float[] gradient) {
    countLabels(labels, rows);
    // Means: 1/N for the distillation term, 1/labelled rows for the cross-entropy.
    double distillationWeight = alpha / rows;
    double crossEntropyWeight = labelledRows == 0 ? 0 : (1 - alpha) / labelledRows;
    computeRows(
        new Batch(
            studentLogits, teacherLogits, labels, distillationWeight, crossEntropyWeight, gradient),
        rows);
    addRows(labels, rows);
    // Not "0 * sum" for a term without weight: its sum may be infinite.
    loss =
        (alpha > 0 ? distillationWeight * distillationSum : 0)
            + (crossEntropyWeight > 0 ? crossEntropyWeight * crossEntropySum : 0);
  }

  private void countLabels(int[] labels, int rows) {
    if (rows < 1) {
      throw new IllegalArgumentException(rows + " rows");
    }
    labelledRows = 0;
    for (int n = 0; n < rows; n++) {
      int label = labels[n];
      if (label != ResidentDataset.NO_LABEL) {
        if (label < 0 || label >= classes) {
          throw new IllegalArgumentException(
              "label %d of row %d is not in [0, %d)".formatted(label, n, classes));
        }
        labelledRows++;
      }
    }
  }

  /** Computes the rows, each by the first thread that is free. */
  private void computeRows(Batch batch, int rows) {
    if (distillation.length < rows) {
      distillation = new double[rows];
      crossEntropy = new double[rows];
      top = new int[rows];
      finiteRow = new boolean[rows];
    }
    if (scratch.length == 1) {
      for (int n = 0; n < rows; n++) {
        computeRow(batch, n, scratch[0]);
      }
      return;
    }
    AtomicInteger next = new AtomicInteger();
    IntStream.range(0, scratch.length)
        .parallel()
        .forEach(
            thread -> {
              for (int n = next.getAndIncrement(); n < rows; n = next.getAndIncrement()) {
                computeRow(batch, n, scratch[thread]);
              }
            });
  }

  private void computeRow(Batch batch, int n, DistillationRow row) {
    int offset = n * classes;
    float[] z = batch.studentLogits;
    row.clearGradient();
    top[n] = row.readStudent(z, offset);
    distillation[n] =
        alpha > 0
            ? row.addDistillation(
                z, offset, batch.teacherLogits, offset, temperature, batch.distillationWeight)
            : 0;
    int label = batch.labels[n];
    crossEntropy[n] =
        alpha < 1 && label != ResidentDataset.NO_LABEL
            ? row.addCrossEntropy(z, offset, label, batch.crossEntropyWeight)
            : 0;
    finiteRow[n] = row.isFinite();
    row.copyGradient(batch.gradient, offset);
  }

  private void addRows(int[] labels, int rows) {
    distillationSum = 0;
    crossEntropySum = 0;
    correct = 0;
    finite = true;
    for (int n = 0; n < rows; n++) {
      distillationSum += distillation[n];
      crossEntropySum += crossEntropy[n];
      correct += top[n] == labels[n] ? 1 : 0;
      finite &= finiteRow[n];
    }
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
