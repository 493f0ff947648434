package io.github.distillcuda.tensor;

/**
 * A named, dense array of floating-point numbers that a backend owns, on whatever device and in
 * whatever layout that backend prefers.
 *
 * <p>The four transfers below convert: on the host side elements always stand in row-major order of
 * {@link #shape()} (NCHW for images, [out, in, kernelH, kernelW] and [out, in] for weights). They
 * are for loading, saving and tests; a training step never calls them.
 */
public interface Tensor {
  /** Returns the name used in messages, such as {@code student.conv1.weight}. */
  String name();

  /** Returns the logical shape. */
  Shape shape();

  /** Returns the type the elements are held in. */
  DType dtype();

  /**
   * Copies the elements to the host, rounded to float32.
   *
   * @throws IllegalArgumentException if the length differs from {@code shape().elements()}
   */
  void read(float[] destination);

  /**
   * Copies the elements to the host without loss: by way of float32 unless {@link #dtype()} has
   * more.
   *
   * @throws IllegalArgumentException if the length differs from {@code shape().elements()}
   */
  default void read(double[] destination) {
    float[] elements = new float[destination.length];
    read(elements);
    for (int i = 0; i < elements.length; i++) {
      destination[i] = elements[i];
    }
  }

  /**
   * Overwrites the elements from the host.
   *
   * @throws IllegalArgumentException if the length differs from {@code shape().elements()}
   */
  void write(float[] source);

  /**
   * Overwrites the elements from the host, rounded to float32 unless {@link #dtype()} has more.
   *
   * @throws IllegalArgumentException if the length differs from {@code shape().elements()}
   */
  default void write(double[] source) {
    float[] rounded = new float[source.length];
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = (float) source[i];
    }
    write(rounded);
  }

  /**
   * Requires an array that has as many elements as the tensor, for those who transfer.
   *
   * @throws IllegalArgumentException if the length differs from {@code shape().elements()}
   */
  static void requireLength(Tensor tensor, int length) {
    int elements = tensor.shape().elements();
    if (length != elements) {
      throw new IllegalArgumentException(
          "%s %s has %d elements, the array %d"
              .formatted(tensor.name(), tensor.shape(), elements, length));
    }
  }
}
