package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.tensor.Shape;
import java.util.List;

/** Layers of networks that tests run. */
final class OnednnNetworks {
  private OnednnNetworks() {}

  /** The default student. */
  static List<LayerSpec> student() {
    return network(32, 32, 64, 128);
  }

  /** The default teacher. */
  static List<LayerSpec> teacher() {
    return network(32, 64, 128, 256);
  }

  /** Two convolutions on square images of three channels, two linear layers, ten classes. */
  static List<LayerSpec> network(int size, int first, int second, int hidden) {
    return List.of(
        new ConvolutionSpec("conv1", 3, size, size, first),
        new ConvolutionSpec("conv2", first, size / 2, size / 2, second),
        new LinearSpec("fc1", Shape.of(second, size / 4, size / 4), hidden, true),
        new LinearSpec("fc2", Shape.of(hidden), 10, false));
  }
}
