package io.github.distillcuda.backend;

import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;

/**
 * What the recorder of a step requires of its calls and their arguments, on every device that is
 * fast; the reference, which they are held against, has rules of its own.
 */
public final class RecordingRules {
  private final int batch;
  private boolean built;

  /**
   * Begins a recording.
   *
   * @param batch the rows of a step
   * @throws IllegalArgumentException if that is not positive
   */
  public RecordingRules(int batch) {
    if (batch < 1) {
      throw new IllegalArgumentException("batch " + batch);
    }
    this.batch = batch;
  }

  /**
   * Checks that the step is still recorded.
   *
   * @throws IllegalStateException if it is built
   */
  public void check() {
    if (built) {
      throw new IllegalStateException("the step is built");
    }
  }

  /** Ends the recording, which {@link #check} refuses from here on. */
  public void end() {
    built = true;
  }

  /**
   * Requires a row of logits for each image of a data set.
   *
   * @param table null if there is none
   */
  public void requireRows(LogitsTable table, ResidentDataset data) {
    if (table != null && table.rows() < data.size()) {
      throw new IllegalArgumentException(
          "%d rows of logits for %d images".formatted(table.rows(), data.size()));
    }
  }

  /** Requires a tensor of N rows of a shape. */
  public void requireShape(Tensor tensor, Shape row) {
    Shape wanted = row.withBatch(batch);
    if (!tensor.shape().equals(wanted)) {
      throw new IllegalArgumentException(
          "%s is %s, wanted %s".formatted(tensor.name(), tensor.shape(), wanted));
    }
  }

  /** Requires a class for each label. */
  public void requireClasses(int largestLabel, int classes) {
    if (largestLabel >= classes) {
      throw new IllegalArgumentException(
          "label %d, but %d classes".formatted(largestLabel, classes));
    }
  }

  /** Requires a forward pass that was recorded for the backward one. */
  public void requireTraining(LayerPass pass, boolean training) {
    if (!training) {
      throw new IllegalArgumentException(
          "the forward pass of " + pass.layer().name() + " was not recorded for training");
    }
  }

  /** Requires parameters that have gradients and moments. */
  public void requireTrainable(boolean trainable) {
    if (!trainable) {
      throw new IllegalArgumentException("the parameters are not trainable");
    }
  }
}
