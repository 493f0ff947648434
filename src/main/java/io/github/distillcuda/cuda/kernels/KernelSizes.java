package io.github.distillcuda.cuda.kernels;

import java.util.Map;
import java.util.TreeMap;

/** The integer arguments of a launch by parameter name, such as rows 64 and classes 10. */
public final class KernelSizes {
  private final Map<String, Integer> values;

  private KernelSizes(Map<String, Integer> values) {
    this.values = values;
  }

  /** Returns sizes with one value. */
  public static KernelSizes of(String name, int value) {
    return new KernelSizes(Map.of(name, value));
  }

  /** Returns sizes with two values. */
  public static KernelSizes of(String name1, int value1, String name2, int value2) {
    return of(name1, value1).and(name2, value2);
  }

  /** Returns these sizes and one more. */
  public KernelSizes and(String name, int value) {
    Map<String, Integer> more = new TreeMap<>(values);
    more.put(name, value);
    return new KernelSizes(more);
  }

  /**
   * Returns a value, as a long so that products do not overflow.
   *
   * @throws IllegalArgumentException if there is none of this name
   */
  public long get(String name) {
    Integer value = values.get(name);
    if (value == null) {
      throw new IllegalArgumentException("no size \"%s\" in %s".formatted(name, values));
    }
    return value;
  }

  /** Returns the product of two values. */
  public long product(String name1, String name2) {
    return get(name1) * get(name2);
  }

  /** Returns the rows of a matrix of logits. */
  long rows() {
    return get("rows");
  }

  /** Returns the elements of a matrix [rows, classes]. */
  long logits() {
    return product("rows", "classes");
  }

  /** Returns the elements of an array of {@code n}. */
  long n() {
    return get("n");
  }

  /** Returns names and values, sorted by name. */
  @Override
  public String toString() {
    return new TreeMap<>(values).toString();
  }
}
