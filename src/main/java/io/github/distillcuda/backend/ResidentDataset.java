package io.github.distillcuda.backend;

import io.github.distillcuda.tensor.Shape;

/** A data set that stays on the device as bytes through a training. Owned by its backend. */
public interface ResidentDataset {
  /** Returns the number of images. */
  int size();

  /** Returns the shape of one image, [channels, height, width]. */
  Shape imageShape();
}
