package io.github.distillcuda.nn;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * The published example's network for 3x32x32 images: two convolutions, each followed by ReLU and a
 * 2x2 max-pool, then two linear layers with a ReLU between them.
 *
 * <p>The example pools once and reshapes with {@code view(-1, 128*8*8)}, which yields four times
 * too many rows; the pool after conv1 repairs it and keeps every layer size as it was written.
 *
 * @param conv1 channels of the first convolution
 * @param conv2 channels of the second convolution
 * @param hidden features of the first linear layer
 * @param classes outputs
 */
public record Architecture(int conv1, int conv2, int hidden, int classes) {
  /** The shape of one image, [channels, height, width]. */
  public static final Shape IMAGE = Shape.of(3, 32, 32);

  /** The classes of CIFAR-10. */
  public static final int CIFAR10_CLASSES = 10;

  /** The published teacher: 2,175,626 parameters. */
  public static final Architecture TEACHER = new Architecture(64, 128, 256, CIFAR10_CLASSES);

  /** The published student: 545,098 parameters. */
  public static final Architecture STUDENT = new Architecture(32, 64, 128, CIFAR10_CLASSES);

  /**
   * Checks the widths.
   *
   * @throws IllegalArgumentException if one is not positive
   */
  public Architecture {
    if (conv1 < 1 || conv2 < 1 || hidden < 1 || classes < 1) {
      throw new IllegalArgumentException(
          "widths %d, %d, %d, %d must be positive".formatted(conv1, conv2, hidden, classes));
    }
  }

  /** Returns the layers from the image to the logits. */
  public List<LayerSpec> layers() {
    ConvolutionSpec first =
        new ConvolutionSpec("conv1", IMAGE.extent(0), IMAGE.extent(1), IMAGE.extent(2), conv1);
    Shape pooled = first.outputShape();
    ConvolutionSpec second =
        new ConvolutionSpec("conv2", conv1, pooled.extent(1), pooled.extent(2), conv2);
    LinearSpec third = new LinearSpec("fc1", second.outputShape(), hidden, true);
    LinearSpec fourth = new LinearSpec("fc2", third.outputShape(), classes, false);
    return List.of(first, second, third, fourth);
  }

  /** Returns the state dict: the parameters' names and shapes, in the order of the layers. */
  public SequencedMap<String, Shape> stateDict() {
    SequencedMap<String, Shape> shapes = new LinkedHashMap<>();
    for (LayerSpec layer : layers()) {
      shapes.put(layer.weightName(), layer.weightShape());
      shapes.put(layer.biasName(), layer.biasShape());
    }
    return shapes;
  }

  /** Returns the number of parameters. */
  public int parameterCount() {
    return stateDict().values().stream().mapToInt(Shape::elements).sum();
  }

  /** Returns the multiply-adds of one image's forward pass, for estimates of time. */
  public long forwardMultiplyAdds() {
    return layers().stream()
        .mapToLong(layer -> (long) layer.productShape().elements() * layer.fanIn())
        .sum();
  }

  /** Returns the widths as they are given on the command line, such as {@code 64,128,256}. */
  @Override
  public String toString() {
    return conv1 + "," + conv2 + "," + hidden;
  }
}
