package io.github.distillcuda.checkpoint;

import io.github.distillcuda.tensor.Shape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The order in which a tensor without holes lies in memory: row-major, or with its axes swapped, as
 * after {@code t()} or in channels-last.
 */
final class DenseStrides {
  private final Shape shape;
  private final int[] strides;
  private final boolean rowMajor;

  private DenseStrides(Shape shape, int[] strides, boolean rowMajor) {
    this.shape = shape;
    this.strides = strides;
    this.rowMajor = rowMajor;
  }

  /**
   * Checks that the elements of a tensor fill a region of memory, each place once.
   *
   * @param shown the tensor's printable name, for the message
   * @param strides the distance in elements between neighbours along each axis
   * @throws InvalidFileException if they leave holes or overlap
   */
  static DenseStrides of(String shown, Shape shape, List<Long> strides)
      throws InvalidFileException {
    if (shape.elements() == 0) {
      return new DenseStrides(shape, new int[0], true);
    }
    // An axis of extent 1 is never stepped along, and its stride may be anything.
    List<Integer> axes = new ArrayList<>();
    for (int axis = 0; axis < shape.rank(); axis++) {
      if (shape.extent(axis) > 1) {
        axes.add(axis);
      }
    }
    List<Integer> innermostFirst = new ArrayList<>(axes);
    innermostFirst.sort(Comparator.comparing(strides::get));
    int[] checked = new int[shape.rank()];
    int expected = 1;
    for (int axis : innermostFirst) {
      if (strides.get(axis) != expected) {
        throw new InvalidFileException(
            ("%s of shape %s has the strides %s, neither contiguous nor transposed; save its"
                    + " .contiguous()")
                .formatted(shown, shape, strides));
      }
      checked[axis] = expected;
      expected *= shape.extent(axis);
    }
    return new DenseStrides(shape, checked, innermostFirst.equals(axes.reversed()));
  }

  /** Returns {@code stored}, the elements as they lie in memory, in row-major order. */
  float[] toRowMajor(float[] stored) {
    if (rowMajor) {
      return stored;
    }
    float[] ordered = new float[stored.length];
    int[] index = new int[shape.rank()];
    int source = 0;
    for (int i = 0; i < ordered.length; i++) {
      ordered[i] = stored[source];
      int axis = shape.rank() - 1;
      while (axis >= 0 && index[axis] == shape.extent(axis) - 1) {
        source -= index[axis] * strides[axis];
        index[axis--] = 0;
      }
      if (axis >= 0) {
        index[axis]++;
        source += strides[axis];
      }
    }
    return ordered;
  }
}
