package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.Lifetime;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.Arrays;

/** A view of {@code shape.elements()} doubles in row-major order, of an array or a part of one. */
final class ReferenceTensor extends Owned implements Tensor {
  private final String name;
  private final Shape shape;
  private final double[] data;
  private final int start;
  private final int elements;

  /** A view of {@code data} from {@code start} on. */
  ReferenceTensor(Lifetime lifetime, String name, Shape shape, double[] data, int start) {
    super(lifetime);
    this.name = name;
    this.shape = shape;
    this.data = data;
    this.start = start;
    this.elements = shape.elements();
  }

  /** A tensor of its own, zero at first. */
  ReferenceTensor(Lifetime lifetime, String name, Shape shape) {
    this(lifetime, name, shape, new double[shape.elements()], 0);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Shape shape() {
    return shape;
  }

  @Override
  public DType dtype() {
    return DType.FLOAT64;
  }

  @Override
  public void read(float[] destination) {
    checkTransfer(destination.length);
    for (int i = 0; i < elements; i++) {
      destination[i] = (float) get(i);
    }
  }

  @Override
  public void read(double[] destination) {
    checkTransfer(destination.length);
    System.arraycopy(data, start, destination, 0, elements);
  }

  @Override
  public void write(float[] source) {
    checkTransfer(source.length);
    for (int i = 0; i < elements; i++) {
      set(i, source[i]);
    }
  }

  @Override
  public void write(double[] source) {
    checkTransfer(source.length);
    System.arraycopy(source, 0, data, start, elements);
  }

  int elements() {
    return elements;
  }

  double get(int index) {
    return data[start + index];
  }

  void set(int index, double value) {
    data[start + index] = value;
  }

  void add(int index, double value) {
    data[start + index] += value;
  }

  void fill(double value) {
    Arrays.fill(data, start, start + elements, value);
  }

  boolean isFinite() {
    for (int i = 0; i < elements; i++) {
      if (!Double.isFinite(get(i))) {
        return false;
      }
    }
    return true;
  }

  /** Returns this tensor if it has the shape that an operation needs. */
  ReferenceTensor withShape(Shape needed) {
    if (!shape.equals(needed)) {
      throw new IllegalArgumentException(
          "tensor %s has shape %s where %s is needed".formatted(name, shape, needed));
    }
    return this;
  }

  private void checkTransfer(int length) {
    lifetime().check();
    if (length != elements) {
      throw new IllegalArgumentException(
          "an array of %d elements for tensor %s of shape %s".formatted(length, name, shape));
    }
  }

  @Override
  public String toString() {
    return name + " " + shape;
  }
}
