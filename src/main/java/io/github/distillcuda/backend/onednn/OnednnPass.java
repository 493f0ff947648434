package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.onednn.LayerPlanner.ForwardPlan;

/**
 * A recorded forward pass.
 *
 * @param layer the layer
 * @param parameters the arena of its weight and bias
 * @param index the layer's position there
 * @param training whether a backward pass may follow
 * @param plan the forward primitives, which backward primitives take as hints; null for a Winograd
 *     convolution, which has no backward pass
 * @param source the input in the order that was planned
 * @param weight the weight as the product reads it: the stored one or a copy of each step
 * @param workspace the memory object in which the pooling keeps its choices; 0 if it keeps none
 * @param output the output
 */
record OnednnPass(
    LayerSpec layer,
    OnednnParameterArena parameters,
    int index,
    boolean training,
    ForwardPlan plan,
    OnednnTensor source,
    OnednnTensor weight,
    long workspace,
    OnednnTensor output)
    implements LayerPass {}
