package io.github.distillcuda.backend;

import io.github.distillcuda.tensor.Shape;

/**
 * The geometry of one layer, all that a backend needs to choose layouts and algorithms. A layer is
 * the largest unit that a backend may fuse: what lies between two tensors that must be kept.
 *
 * <p>Each layer has one weight and one bias, in this order, named so in model files.
 */
public sealed interface LayerSpec permits ConvolutionSpec, LinearSpec {
  /** Returns the layer's name, such as {@code conv1}. */
  String name();

  /** Returns the weight's name. */
  default String weightName() {
    return name() + ".weight";
  }

  /** Returns the bias's name. */
  default String biasName() {
    return name() + ".bias";
  }

  /** Returns the shape of one input, without the batch. */
  Shape inputShape();

  /** Returns the shape of one output, without the batch. */
  Shape outputShape();

  /** Returns the shape of one output before the pooling, if there is one. */
  Shape productShape();

  /** Returns the shape of the weight, outputs first. */
  Shape weightShape();

  /** Returns the shape of the bias. */
  Shape biasShape();

  /** Returns the number of inputs that one output sums over, which bounds the initial weights. */
  int fanIn();
}
