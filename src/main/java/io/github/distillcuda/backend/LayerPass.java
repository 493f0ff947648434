package io.github.distillcuda.backend;

import io.github.distillcuda.tensor.Tensor;

/** The forward pass of one layer as recorded, with what its backward pass will need. */
public interface LayerPass {
  /** Returns the layer. */
  LayerSpec layer();

  /** Returns the output, [N, ...outputShape]. */
  Tensor output();
}
