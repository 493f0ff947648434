package io.github.distillcuda.tensor;

import java.util.Arrays;
import java.util.stream.Collectors;

/** The extents of a tensor, outermost first; rank 0 is a scalar. Immutable. */
public final class Shape {
  private final int[] extents;

  private Shape(int[] extents) {
    this.extents = extents;
  }

  /**
   * A shape of the given extents.
   *
   * @throws IllegalArgumentException if an extent is negative or the element count overflows an int
   */
  public static Shape of(int... extents) {
    long elements = 1;
    for (int extent : extents) {
      if (extent < 0) {
        throw new IllegalArgumentException("negative extent in " + Arrays.toString(extents));
      }
      elements *= extent;
      if (elements > Integer.MAX_VALUE) {
        throw new IllegalArgumentException("too many elements in " + Arrays.toString(extents));
      }
    }
    return new Shape(extents.clone());
  }

  /** Returns this shape with one more extent in front of it, as of a batch. */
  public Shape withBatch(int batch) {
    int[] batched = new int[extents.length + 1];
    batched[0] = batch;
    System.arraycopy(extents, 0, batched, 1, extents.length);
    return of(batched);
  }

  /** Returns the number of extents. */
  public int rank() {
    return extents.length;
  }

  /** Returns the extent at {@code axis}, counted from 0. */
  public int extent(int axis) {
    return extents[axis];
  }

  /** Returns the extents, as a copy. */
  public int[] extents() {
    return extents.clone();
  }

  /** Returns the product of the extents; 1 for a scalar. */
  public int elements() {
    int elements = 1;
    for (int extent : extents) {
      elements *= extent;
    }
    return elements;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(extents, shape.extents);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(extents);
  }

  /** Returns the extents as {@code [64, 3, 32, 32]}. */
  @Override
  public String toString() {
    return Arrays.stream(extents)
        .mapToObj(Integer::toString)
        .collect(Collectors.joining(", ", "[", "]"));
  }
}
