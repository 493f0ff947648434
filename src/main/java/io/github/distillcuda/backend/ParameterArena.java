package io.github.distillcuda.backend;

import io.github.distillcuda.tensor.Tensor;
import java.util.List;

/**
 * The parameters of one model in one flat arena, with their gradients and Adam's two moments in
 * three more of the same layout. Layout and padding are the backend's; the views convert.
 *
 * <p>All four lists have one tensor a parameter in the order of the layers, weight before bias.
 * Owned by the backend that made it.
 */
public interface ParameterArena {
  /** Returns the layers the arena was planned for. */
  List<LayerSpec> layers();

  /**
   * Returns the position of a layer among those, from 0: its weight is at twice that in each of the
   * four lists, and its bias behind the weight.
   *
   * @throws IllegalArgumentException if the arena was not planned for it
   */
  default int indexOf(LayerSpec layer) {
    int index = layers().indexOf(layer);
    if (index < 0) {
      throw new IllegalArgumentException("no parameters were created for " + layer);
    }
    return index;
  }

  /** Returns the parameters. */
  List<Tensor> values();

  /** Returns the gradients, which the backward pass overwrites; empty unless trainable. */
  List<Tensor> gradients();

  /** Returns Adam's running means of the gradient, zero at first; empty unless trainable. */
  List<Tensor> firstMoments();

  /** Returns Adam's running means of its square, zero at first; empty unless trainable. */
  List<Tensor> secondMoments();
}
