package io.github.distillcuda.backend;

import io.github.distillcuda.tensor.Shape;

/** A data set that stays on the device as bytes through a training. Owned by its backend. */
public interface ResidentDataset {
  /** The label of an image that has none, PyTorch's {@code ignore_index}. */
  int NO_LABEL = -100;

  /**
   * Returns the largest of some labels, -1 if no image has one.
   *
   * @throws IllegalArgumentException if one is neither a class nor {@link #NO_LABEL}
   */
  static int largestLabel(byte[] labels) {
    int largest = -1;
    for (byte label : labels) {
      if (label < 0 && label != NO_LABEL) {
        throw new IllegalArgumentException("label " + label);
      }
      largest = Math.max(largest, label);
    }
    return largest;
  }

  /** Returns the number of images. */
  int size();

  /** Returns the shape of one image, [channels, height, width]. */
  Shape imageShape();
}
