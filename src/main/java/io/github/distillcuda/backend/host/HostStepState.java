package io.github.distillcuda.backend.host;

import io.github.distillcuda.backend.StepProgress;
import io.github.distillcuda.backend.StepState;

/** The state of a training in the host's memory, for backends that compute there. One thread. */
public final class HostStepState implements StepState {
  private final Runnable guard;
  private int[] order = {};
  private int cursor;
  private long optimizerStep;
  private double distillationSum;
  private double crossEntropySum;
  private long labelledRows;
  private long correct;
  private double lossSum;
  private long firstNonFiniteStep;

  /**
   * A state before its first epoch.
   *
   * @param guard throws if the caller may not use the backend any more, or not from its thread
   */
  public HostStepState(Runnable guard) {
    this.guard = guard;
  }

  @Override
  public void beginEpoch(int[] order) {
    guard.run();
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
    guard.run();
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
    guard.run();
    cursor = progress.cursor();
    optimizerStep = progress.optimizerStep();
    distillationSum = progress.distillationSum();
    crossEntropySum = progress.crossEntropySum();
    labelledRows = progress.labelledRows();
    correct = progress.correct();
    lossSum = progress.lossSum();
    firstNonFiniteStep = progress.firstNonFiniteStep();
  }

  /** Returns how many images of the epoch are left. */
  public int remaining() {
    return order.length - cursor;
  }

  /** Returns the image id {@code row} rows after the cursor. */
  public int image(int row) {
    return order[cursor + row];
  }

  /** Moves the cursor on. */
  public void advance(int rows) {
    cursor += rows;
  }

  /** Adds the terms of a batch to the sums of the epoch; notes logits that were not finite. */
  public void add(DistillationRows batch, int rows) {
    distillationSum += batch.distillationSum();
    crossEntropySum += batch.crossEntropySum();
    labelledRows += batch.labelledRows();
    correct += batch.correct();
    lossSum += batch.loss() * rows;
    if (!batch.finite()) {
      noteNonFinite();
    }
  }

  /** Notes that the step after the last finished one met a NaN or an infinity; the first stays. */
  public void noteNonFinite() {
    if (firstNonFiniteStep == 0) {
      firstNonFiniteStep = optimizerStep + 1;
    }
  }

  /** Returns whether the optimizer must write nothing. */
  public boolean isStopped() {
    return firstNonFiniteStep != 0;
  }

  /** Counts an optimizer step and returns its number, from 1. */
  public long nextOptimizerStep() {
    return ++optimizerStep;
  }
}
