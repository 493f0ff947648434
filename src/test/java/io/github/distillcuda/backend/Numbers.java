package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.DoubleStream;

/** What a backend holds, as arrays, and their comparison with what it should hold. */
final class Numbers {
  private Numbers() {}

  /** Returns the elements of a tensor without loss. */
  static double[] of(Tensor tensor) {
    double[] values = new double[tensor.shape().elements()];
    tensor.read(values);
    return values;
  }

  /** Returns the elements of tensors one after the other. */
  static double[] of(List<Tensor> tensors) {
    return tensors.stream().flatMapToDouble(tensor -> Arrays.stream(of(tensor))).toArray();
  }

  /** Overwrites tensors from one array, one after the other. */
  static void write(double[] source, List<Tensor> tensors) {
    int start = 0;
    for (Tensor tensor : tensors) {
      int end = start + tensor.shape().elements();
      tensor.write(Arrays.copyOfRange(source, start, end));
      start = end;
    }
    assertThat(start).as("elements of %s", tensors).isEqualTo(source.length);
  }

  /** Returns float32 numbers as doubles. */
  static double[] widened(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  /** Returns the largest absolute value; 0 of nothing. */
  static double largest(double[] values) {
    return Arrays.stream(values).map(Math::abs).max().orElse(0);
  }

  /** Returns the Euclidean distance over the norm of what is expected. */
  static double relativeDistance(double[] actual, double[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    double distance = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      distance += (actual[i] - expected[i]) * (actual[i] - expected[i]);
      norm += expected[i] * expected[i];
    }
    return Math.sqrt(distance / norm);
  }

  /**
   * Asserts that every element lies within its bound, that infinities are the same, and that NaN
   * stands where it should and nowhere else.
   *
   * @param bound the allowed error of an element, given its index; asked for finite elements only
   */
  static void assertWithin(
      IntToDoubleFunction bound, double[] actual, double[] expected, String what) {
    assertThat(actual).as(what).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertWithin(bound.applyAsDouble(i), actual[i], expected[i], what + "[" + i + "]");
    }
  }

  /** Asserts that a number lies within a bound; infinities must be the same, NaN must be NaN. */
  static void assertWithin(double bound, double actual, double expected, String what) {
    if (Double.isFinite(expected)) {
      // Also false where the actual number is NaN.
      assertThat(Math.abs(actual - expected) <= bound)
          .as("%s is %s, expected %s within %.2g", what, actual, expected, bound)
          .isTrue();
    } else {
      assertThat(actual).as(what).isEqualTo(Double.valueOf(expected)); // NaN equals NaN
    }
  }

  /** Asserts that two arrays have the same bits, NaN included. */
  static void assertSameBits(double[] actual, double[] expected, String what) {
    assertThat(bits(actual)).as(what).containsExactly(bits(expected));
  }

  private static long[] bits(double[] values) {
    return Arrays.stream(values).mapToLong(Double::doubleToRawLongBits).toArray();
  }

  /** Rounds to the 8 bits of bfloat16, ties to even. */
  static double[] toBfloat16(double[] values) {
    return DoubleStream.of(values)
        .map(
            x -> {
              double unit = Math.scalb(1.0, Math.getExponent(x) - 7);
              return Math.rint(x / unit) * unit;
            })
        .toArray();
  }
}
