package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.tensor.Tensor;

/**
 * The rows of a gather.
 *
 * @param data where they come from
 * @param state the state whose order and cursor named them; it counts their labels
 * @param images the normalised images
 * @param cachedLogits the teacher's logits; null if the gather had no table
 * @param ids image ids, int32 [N]
 * @param labels labels, int32 [N]
 */
record CudaBatch(
    CudaDataset data,
    CudaStepState state,
    CudaTensor images,
    CudaTensor cachedLogits,
    DeviceSpan ids,
    DeviceSpan labels)
    implements Batch {
  @Override
  public Tensor teacherLogits() {
    if (cachedLogits == null) {
      throw new IllegalStateException("the gather was recorded without a teacher's table");
    }
    return cachedLogits;
  }
}
