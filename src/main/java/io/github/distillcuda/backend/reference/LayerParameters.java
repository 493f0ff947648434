package io.github.distillcuda.backend.reference;

/**
 * The views of one layer in its arena.
 *
 * @param weight the weight
 * @param bias the bias
 * @param weightGradient the gradient of the weight, null unless the arena is trainable
 * @param biasGradient the gradient of the bias, null unless the arena is trainable
 */
record LayerParameters(
    ReferenceTensor weight,
    ReferenceTensor bias,
    ReferenceTensor weightGradient,
    ReferenceTensor biasGradient) {}
