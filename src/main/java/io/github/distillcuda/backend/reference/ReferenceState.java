package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.Lifetime;
import io.github.distillcuda.backend.StepProgress;
import io.github.distillcuda.backend.StepState;

/** The order of an epoch and the numbers of a {@link StepProgress}, as they change. */
final class ReferenceState extends Owned implements StepState {
  private int[] order = {};
  private int cursor;
  private long optimizerStep;
  private double distillationSum;
  private double crossEntropySum;
  private long labelledRows;
  private long correct;
  private double lossSum;
  private long firstNonFiniteStep;

  ReferenceState(Lifetime lifetime) {
    super(lifetime);
  }

  @Override
  public void beginEpoch(int[] order) {
    lifetime().check();
    this.order = order.clone();
    cursor = 0;
    distillationSum = 0;
    crossEntropySum = 0;
    labelledRows = 0;
    correct = 0;
    lossSum = 0;
  }

  @Override
  public StepProgress read() {
    lifetime().check();
    return new StepProgress(
        cursor,
        optimizerStep,
        distillationSum,
        crossEntropySum,
        labelledRows,
        correct,
        lossSum,
        firstNonFiniteStep);
  }

  @Override
  public void restore(StepProgress progress) {
    lifetime().check();
    if (progress.cursor() < 0 || progress.cursor() > order.length) {
      throw new IllegalArgumentException(
          "cursor %d in an epoch of %d images".formatted(progress.cursor(), order.length));
    }
    cursor = progress.cursor();
    optimizerStep = progress.optimizerStep();
    distillationSum = progress.distillationSum();
    crossEntropySum = progress.crossEntropySum();
    labelledRows = progress.labelledRows();
    correct = progress.correct();
    lossSum = progress.lossSum();
    firstNonFiniteStep = progress.firstNonFiniteStep();
  }

  /**
   * Copies the ids of the next images.
   *
   * @param ids receives one id a row
   * @param images the size of the data set that the ids are of
   * @throws IllegalStateException if the epoch has fewer left, or an id is not of the data set
   */
  void nextImages(int[] ids, int images) {
    if (ids.length > order.length - cursor) {
      throw new IllegalStateException(
          "a step of %d rows after %d of the epoch's %d images"
              .formatted(ids.length, cursor, order.length));
    }
    for (int row = 0; row < ids.length; row++) {
      int id = order[cursor + row];
      if (id < 0 || id >= images) {
        throw new IllegalStateException(
            "the order names image %d of a data set of %d".formatted(id, images));
      }
      ids[row] = id;
    }
  }

  void advance(int rows) {
    cursor += rows;
  }

  /** Adds one row's T^2*KL. */
  void addDistillation(double value) {
    distillationSum += value;
  }

  /** Adds one labelled row's cross-entropy. */
  void addCrossEntropy(double value) {
    crossEntropySum += value;
  }

  /** Counts a labelled row. */
  void addPrediction(boolean right) {
    labelledRows++;
    if (right) {
      correct++;
    }
  }

  /** Adds one step's loss, the mean over its rows, times its rows. */
  void addLoss(double meanLoss, int rows) {
    lossSum += meanLoss * rows;
  }

  /** Names the step under way as the first that met a NaN or an infinity, unless one was before. */
  void markNonFinite() {
    if (firstNonFiniteStep == 0) {
      firstNonFiniteStep = optimizerStep + 1;
    }
  }

  /** Returns whether a step met a NaN or an infinity, after which the optimizer writes nothing. */
  boolean stopped() {
    return firstNonFiniteStep != 0;
  }

  /** Counts an optimizer step and returns its number, from 1. */
  long nextOptimizerStep() {
    return ++optimizerStep;
  }
}
