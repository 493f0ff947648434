package io.github.distillcuda.checkpoint;

import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/** The small model of {@code model_files_fixtures.py}, whose weights are an integer hash. */
final class HashedModel {
  static final SequencedMap<String, Shape> SHAPES = new LinkedHashMap<>();

  static {
    SHAPES.put("conv1.weight", Shape.of(2, 3, 3, 3));
    SHAPES.put("conv1.bias", Shape.of(2));
    SHAPES.put("conv2.weight", Shape.of(3, 2, 3, 3));
    SHAPES.put("conv2.bias", Shape.of(3));
    SHAPES.put("fc1.weight", Shape.of(4, 12));
    SHAPES.put("fc1.bias", Shape.of(4));
    SHAPES.put("fc2.weight", Shape.of(10, 4));
    SHAPES.put("fc2.bias", Shape.of(10));
  }

  private HashedModel() {}

  /** The element of the tensor of this number: a multiple of 1/64 from -2 to below 2. */
  static float value(int tensor, int element) {
    int x = tensor * 0x9E3779B1 + element * 0x85EBCA6B;
    x ^= x >>> 16;
    x *= 0x45D9F3B;
    x ^= x >>> 16;
    return ((x & 0xFF) - 128) / 64f;
  }

  static NamedArray array(int number, String name, Shape shape) {
    float[] values = new float[shape.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = value(number, i);
    }
    return new NamedArray(name, shape, values);
  }

  static List<NamedArray> arrays() {
    List<NamedArray> arrays = new ArrayList<>();
    SHAPES.forEach((name, shape) -> arrays.add(array(arrays.size(), name, shape)));
    return arrays;
  }

  /** Everything about the arrays, in a form that test failures can print. */
  static List<String> describe(List<NamedArray> arrays) {
    return arrays.stream()
        .map(
            array -> {
              StringBuilder text = new StringBuilder(array.name()).append(array.shape());
              for (float value : array.values()) {
                text.append(' ').append(Integer.toHexString(Float.floatToRawIntBits(value)));
              }
              return text.toString();
            })
        .toList();
  }
}
