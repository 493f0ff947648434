package io.github.distillcuda.checkpoint;

import io.github.distillcuda.failure.Printable;
import io.github.distillcuda.tensor.Shape;
import java.util.Arrays;

/** What both file formats limit in the same way when they describe a tensor. */
final class TensorHeader {
  /** More axes than any layer has; a scalar has none. */
  static final int MAX_RANK = 8;

  /** Bounds the memory that descriptions of empty tensors can claim. */
  static final int MAX_TENSORS = 4096;

  private TensorHeader() {}

  /** Refuses a file with more than {@link #MAX_TENSORS}. */
  static void requireFew(int tensors) throws InvalidFileException {
    if (tensors > MAX_TENSORS) {
      throw new InvalidFileException("the file has more than " + MAX_TENSORS + " tensors");
    }
  }

  /**
   * Returns the shape of the given extents.
   *
   * @param name the tensor, for the message
   * @throws InvalidFileException if there are too many axes or elements, or an extent is negative
   */
  static Shape shape(String name, long[] extents) throws InvalidFileException {
    if (extents.length > MAX_RANK) {
      throw new InvalidFileException(
          Printable.name(name) + " has " + extents.length + " axes, more than " + MAX_RANK);
    }
    int[] checked = new int[extents.length];
    long elements = 1;
    for (int axis = 0; axis < extents.length; axis++) {
      if (extents[axis] < 0 || extents[axis] > Integer.MAX_VALUE) {
        throw tooLarge(name, extents);
      }
      checked[axis] = (int) extents[axis];
      elements *= checked[axis];
      if (elements > Integer.MAX_VALUE) {
        throw tooLarge(name, extents);
      }
    }
    return Shape.of(checked);
  }

  private static InvalidFileException tooLarge(String name, long[] extents) {
    return new InvalidFileException(
        Printable.name(name) + " has the impossible shape " + Arrays.toString(extents));
  }
}
