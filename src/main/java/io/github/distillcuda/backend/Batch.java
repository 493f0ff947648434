package io.github.distillcuda.backend;

import io.github.distillcuda.tensor.Tensor;

/**
 * What a gather leaves for the rest of the step: the images of the rows, and what belongs to them.
 * Labels and image ids of the rows stay inside the backend.
 */
public interface Batch {
  /** Returns the normalised images, (uint8/255 - 0.5)/0.5, [N, channels, height, width]. */
  Tensor images();

  /**
   * Returns the cached teacher logits of the rows, [N, classes].
   *
   * @throws IllegalStateException if the gather was recorded without a table
   */
  Tensor teacherLogits();
}
