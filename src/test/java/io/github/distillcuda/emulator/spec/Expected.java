package io.github.distillcuda.emulator.spec;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.kernels.StateLayout;
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

  /** Numbers of bfloat16 near exact values; the tolerance includes their rounding. */
  static Expected nearInBfloat16(double[] exact, double[] tolerance) {
    return new NearBfloat16s(exact, tolerance);
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

  /** What an output of this type must hold to have the bits of another; NaNs are all one. */
  default Expected bitsOf(byte[] other) {
    return switch (this) {
      case NearFloats near -> new ExactFloats(HostBytes.toFloats(other));
      case NearBfloat16s near -> new ExactBytes(other);
      case ExactFloats floats -> new ExactFloats(HostBytes.toFloats(other));
      case State state -> new State(other, 0);
      case ExactInts ints -> new ExactBytes(other);
      case ExactBytes bytes -> new ExactBytes(other);
    };
  }

  record NearFloats(double[] exact, double[] tolerance) implements Expected {
    @Override
    public int bytes() {
      return Float.BYTES * exact.length;
    }

    @Override
    public void check(byte[] actual, String what) {
      check(HostBytes.toFloats(actual), what);
    }

    void check(float[] values, String what) {
      for (int i = 0; i < exact.length; i++) {
        if (!isNear(values[i], exact[i], tolerance[i])) {
          throw new AssertionError(
              "%s[%d] is %s, but must be within %.3g of %s: off by %.3g"
                  .formatted(what, i, values[i], tolerance[i], exact[i], values[i] - exact[i]));
        }
      }
    }

    private static boolean isNear(float value, double exact, double tolerance) {
      boolean isFinite = Math.abs(exact) <= Float.MAX_VALUE; // what overflows is infinite
      return isFinite
          ? Math.abs(value - exact) <= tolerance
          : Float.compare(value, (float) exact) == 0;
    }
  }

  record NearBfloat16s(double[] exact, double[] tolerance) implements Expected {
    @Override
    public int bytes() {
      return Short.BYTES * exact.length;
    }

    @Override
    public void check(byte[] actual, String what) {
      new NearFloats(exact, tolerance).check(HostBytes.bfloat16ToFloats(actual), what);
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

  /**
   * The state of a step.
   *
   * @param relative the error that its sums may have
   */
  record State(byte[] exact, double relative) implements Expected {
    private static final int[] SUMS = {
      StateLayout.DISTILLATION_SUM, StateLayout.CROSS_ENTROPY_SUM, StateLayout.LOSS_SUM
    };

    @Override
    public int bytes() {
      return exact.length;
    }

    @Override
    public void check(byte[] actual, String what) {
      byte[] counts = actual.clone();
      double[] sums = HostBytes.toDoubles(actual);
      double[] exactSums = HostBytes.toDoubles(exact);
      for (int offset : SUMS) {
        int i = offset / Double.BYTES;
        boolean isNear =
            Double.isFinite(exactSums[i])
                ? Math.abs(sums[i] - exactSums[i]) <= relative * Math.abs(exactSums[i])
                : Double.compare(sums[i], exactSums[i]) == 0;
        assertThat(isNear)
            .as("%s: sum at %d is %s, not %s", what, offset, sums[i], exactSums[i])
            .isTrue();
        System.arraycopy(exact, offset, counts, offset, Double.BYTES);
      }
      assertThat(counts).as(what).isEqualTo(exact);
    }
  }
}
