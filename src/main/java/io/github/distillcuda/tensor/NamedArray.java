package io.github.distillcuda.tensor;

/**
 * A float32 array on the host with the name and shape it has in a model file.
 *
 * @param name the state-dict name, such as {@code conv1.weight}
 * @param shape the shape
 * @param values the elements in row-major order; not copied
 */
public record NamedArray(String name, Shape shape, float[] values) {
  /**
   * Checks that the elements fill the shape.
   *
   * @throws IllegalArgumentException if they do not
   */
  public NamedArray {
    if (values.length != shape.elements()) {
      throw new IllegalArgumentException(
          name + ": " + values.length + " values for shape " + shape);
    }
  }
}
