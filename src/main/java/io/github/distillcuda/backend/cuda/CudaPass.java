package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;

/**
 * A recorded forward pass.
 *
 * @param place where it is recorded and with what
 * @param cudaLayer what recorded it and may record its backward pass
 * @param output [N, ...outputShape]
 */
record CudaPass(CudaLayer.Place place, CudaLayer cudaLayer, CudaTensor output)
    implements LayerPass {
  @Override
  public LayerSpec layer() {
    return place.layer();
  }
}
