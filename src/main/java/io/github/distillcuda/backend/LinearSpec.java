package io.github.distillcuda.backend;

import io.github.distillcuda.tensor.Shape;

/**
 * A fully connected layer with bias, with or without ReLU. An image input is read in its flatten
 * order c*H*W + h*W + w.
 *
 * @param name the layer's name in model files
 * @param inputShape the shape of one input, [features] or [channels, height, width]
 * @param outFeatures outputs
 * @param relu whether a ReLU follows
 */
public record LinearSpec(String name, Shape inputShape, int outFeatures, boolean relu)
    implements LayerSpec {
  /**
   * Checks the extents.
   *
   * @throws IllegalArgumentException if there is no input or no output
   */
  public LinearSpec {
    if (inputShape.elements() < 1 || outFeatures < 1) {
      throw new IllegalArgumentException(
          "linear %s: %s -> %d features".formatted(name, inputShape, outFeatures));
    }
  }

  @Override
  public Shape outputShape() {
    return Shape.of(outFeatures);
  }

  @Override
  public Shape productShape() {
    return outputShape();
  }

  @Override
  public Shape weightShape() {
    return Shape.of(outFeatures, inputShape.elements());
  }

  @Override
  public Shape biasShape() {
    return Shape.of(outFeatures);
  }

  @Override
  public int fanIn() {
    return inputShape.elements();
  }
}
