package io.github.distillcuda.backend.cuda;

/** What an operation of a step does. */
sealed interface Work {
  /** Returns it for people, such as {@code conv1 bias gradient}. */
  String name();

  /** What belongs to no layer. */
  record OfStep(String name) implements Work {}

  /**
   * What is done for a layer.
   *
   * @param place the layer in its network
   * @param kind what is done
   */
  record OfLayer(CudaLayer.Place place, LayerWork kind) implements Work {
    @Override
    public String name() {
      return place.name(kind.words());
    }
  }
}
