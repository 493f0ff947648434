package io.github.distillcuda.emulator.spec;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.emulator.memory.HostBytes;
import java.util.Arrays;

/** What an output array must hold. */
sealed interface Expected {
  /** Size of the array. */
  int bytes();

  /** Fails, naming the element, if the array does not hold this. */
  void check(byte[] actual, String what);

  /** Floats near exact values; NaN where the exact value is, and the same infinities. */
  static Expected near(double[] exact, double[] tolerance) {
    return new NearFloats(exact, tolerance);
  }

  /** As {@link #near(double[], double[])} with one tolerance for all. */
  static Expected near(double[] exact, double tolerance) {
    double[] all = new double[exact.length];
    Arrays.fill(all, tolerance);
    return new NearFloats(exact, all);
  }

  /** These floats to the bit; which NaN it is does not count. */
  static Expected floats(float... values) {
    return new ExactFloats(values);
  }

  static Expected ints(int... values) {
    return new ExactInts(values);
  }

  static Expected bytes(byte... values) {
    return new ExactBytes(values);
  }

  java.util.Map<String, Double> WORST = new java.util.TreeMap<>();
  record NearFloats(double[] exact, double[] tolerance) implements Expected {
    @Override
    public int bytes() {
      return Float.BYTES * exact.length;
    }

    @Override
    public void check(byte[] actual, String what) {
      float[] values = HostBytes.toFloats(actual);
      for (int i = 0; i < exact.length; i++) {
        if (Double.isFinite(exact[i]) && tolerance[i] > 0) WORST.merge(what.replaceAll("\\{.*?\\}|\\[.*", "").replaceAll("T=.*?approx", "approx"), Math.abs(values[i] - exact[i]) / tolerance[i], Math::max);
        if (!isNear(values[i], exact[i], tolerance[i])) {
          throw new AssertionError(
              "%s[%d] is %s, but must be within %.3g of %s: off by %.3g"
                  .formatted(what, i, values[i], tolerance[i], exact[i], values[i] - exact[i]));
        }
      }
    }

    private static boolean isNear(float value, double exact, double tolerance) {
      return Double.isFinite(exact)
          ? Math.abs(value - exact) <= tolerance
          : Double.compare(value, exact) == 0;
    }
  }

  record ExactFloats(float[] values) implements Expected {
    @Override
    public int bytes() {
      return Float.BYTES * values.length;
    }

    @Override
    public void check(byte[] actual, String what) {
      float[] floats = HostBytes.toFloats(actual);
      for (int i = 0; i < values.length; i++) {
        // compare, unlike ==, tells -0 from 0 and takes all NaNs for one.
        assertThat(Float.compare(floats[i], values[i]))
            .as("%s[%d] is %s, but must be exactly %s", what, i, floats[i], values[i])
            .isZero();
      }
    }
  }

  record ExactInts(int[] values) implements Expected {
    @Override
    public int bytes() {
      return Integer.BYTES * values.length;
    }

    @Override
    public void check(byte[] actual, String what) {
      assertThat(HostBytes.toInts(actual)).as(what).isEqualTo(values);
    }
  }

  record ExactBytes(byte[] values) implements Expected {
    @Override
    public int bytes() {
      return values.length;
    }

    @Override
    public void check(byte[] actual, String what) {
      assertThat(actual).as(what).isEqualTo(values);
    }
  }
}
