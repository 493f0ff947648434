package io.github.distillcuda.backend;

import io.github.distillcuda.tensor.Shape;

/**
 * A 3x3 convolution with stride 1 and padding 1, bias, ReLU and a 2x2 max-pool with stride 2, on
 * NCHW images: [inChannels, height, width] to [outChannels, height/2, width/2].
 *
 * @param name the layer's name in model files
 * @param inChannels channels of the input
 * @param height rows of the input, even
 * @param width columns of the input, even
 * @param outChannels channels of the output
 */
public record ConvolutionSpec(String name, int inChannels, int height, int width, int outChannels)
    implements LayerSpec {
  /** Rows and columns of the filter. */
  public static final int KERNEL = 3;

  /**
   * Checks the extents.
   *
   * @throws IllegalArgumentException if one is not positive, or rows or columns are odd
   */
  public ConvolutionSpec {
    if (inChannels < 1 || outChannels < 1 || height < 2 || width < 2 || (height | width) % 2 != 0) {
      throw new IllegalArgumentException(
          "convolution %s: %d -> %d channels on %d x %d"
              .formatted(name, inChannels, outChannels, height, width));
    }
  }

  @Override
  public Shape inputShape() {
    return Shape.of(inChannels, height, width);
  }

  @Override
  public Shape outputShape() {
    return Shape.of(outChannels, height / 2, width / 2);
  }

  @Override
  public Shape productShape() {
    return Shape.of(outChannels, height, width);
  }

  @Override
  public Shape weightShape() {
    return Shape.of(outChannels, inChannels, KERNEL, KERNEL);
  }

  @Override
  public Shape biasShape() {
    return Shape.of(outChannels);
  }

  @Override
  public int fanIn() {
    return inChannels * KERNEL * KERNEL;
  }
}
