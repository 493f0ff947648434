package io.github.distillcuda.backend;

import java.util.List;

/**
 * A model that a run will have, for a device to say beforehand whether there is room for it.
 *
 * @param name what people know it by
 * @param layers its layers
 * @param trainable whether it has gradients and moments
 * @param batchedRows the rows of its steps that grow with the batch size: of a full and of the last
 *     step of an epoch
 * @param otherRows the rows of its other steps, all of them forward passes
 */
public record PlannedModel(
    String name, List<LayerSpec> layers, boolean trainable, int batchedRows, int otherRows) {
  public PlannedModel {
    layers = List.copyOf(layers);
  }
}
