package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.tensor.Tensor;

/**
 * The rows of a gather.
 *
 * @param data where they come from
 * @param images the normalised images, row-major
 * @param cachedLogits the teacher's logits; null if the gather had no table
 * @param ids image ids, filled by the gather
 * @param labels labels, likewise
 */
record OnednnBatch(
    OnednnDataset data, OnednnTensor images, OnednnTensor cachedLogits, int[] ids, int[] labels)
    implements Batch {
  @Override
  public Tensor teacherLogits() {
    if (cachedLogits == null) {
      throw new IllegalStateException("the gather was recorded without a teacher's table");
    }
    return cachedLogits;
  }
}
