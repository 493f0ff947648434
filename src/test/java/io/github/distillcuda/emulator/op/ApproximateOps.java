package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.op.FloatLoops.FloatBinaryOperator;
import io.github.distillcuda.emulator.op.FloatLoops.FloatUnaryOperator;
import java.util.function.Function;

/**
 * The instructions whose result PTX bounds but does not fix. The bounds and the results for special
 * arguments are those of the PTX ISA; see native-notes/emulator.md for the table.
 *
 * <p>StrictMath, not Math, so that every machine computes the same bits.
 */
final class ApproximateOps {
  private static final double LN2 = StrictMath.log(2);
  private static final float TWO_TO_126 = 0x1p126f;

  private ApproximateOps() {}

  static void addTo(OpTable table) {
    unary(table, "ex2.approx", mode -> a -> exp2(a, mode));
    unary(table, "lg2.approx", mode -> a -> log2(a, mode));
    unary(table, "rcp.approx", mode -> a -> reciprocal(a, mode));
    unary(table, "sqrt.approx", mode -> a -> squareRoot(a, mode));
    unary(table, "rsqrt.approx", mode -> a -> reciprocalSquareRoot(a, mode));
    binary(table, "div.approx", mode -> (a, b) -> approximateQuotient(a, b, mode));
    binary(table, "div.full", mode -> (a, b) -> quotient(a, b, mode));
    table.addApproximate(
        "rcp.approx.ftz.f64",
        (operands, mode) -> WideLoops.unary(a -> grossReciprocal(a, mode)).decode(operands));
  }

  private static void unary(
      OpTable table, String operation, Function<Approximation, FloatUnaryOperator> f) {
    table.addApproximate(operation + ".f32", FloatLoops.unaryApproximate(f, false));
    table.addApproximate(operation + ".ftz.f32", FloatLoops.unaryApproximate(f, true));
  }

  private static void binary(
      OpTable table, String operation, Function<Approximation, FloatBinaryOperator> f) {
    table.addApproximate(operation + ".f32", FloatLoops.binaryApproximate(f, false));
    table.addApproximate(operation + ".ftz.f32", FloatLoops.binaryApproximate(f, true));
  }

  /** At most 2 units in the last place off the correctly rounded result, itself off by a half. */
  private static float exp2(float a, Approximation mode) {
    if (a == 0) {
      return 1;
    }
    if (Float.isNaN(a) || Float.isInfinite(a)) {
      return a < 0 ? 0 : a;
    }
    double exact = StrictMath.exp(a * LN2);
    return Math.max(0, mode.choose(exact, 2.5 * ulp(exact)));
  }

  /** Off by at most 2^-22: absolute in (0.5, 2), relative elsewhere. */
  private static float log2(float a, Approximation mode) {
    if (a == 0) {
      return Float.NEGATIVE_INFINITY;
    }
    if (!(a > 0) || a == Float.POSITIVE_INFINITY) {
      return a < 0 ? Float.NaN : a;
    }
    double exact = StrictMath.log(a) / LN2;
    boolean nearOne = a > 0.5f && a < 2;
    return mode.choose(exact, nearOne ? 0x1p-22 : Math.abs(exact) * 0x1p-22);
  }

  /** At most 1 unit in the last place off. */
  private static float reciprocal(float a, Approximation mode) {
    if (hasExactQuotient(1, a)) {
      return 1 / a;
    }
    double exact = 1 / (double) a;
    return mode.choose(exact, ulp(exact));
  }

  /** Off by at most 2^-23 relative. */
  private static float squareRoot(float a, Approximation mode) {
    if (!(a > 0) || a == Float.POSITIVE_INFINITY) {
      return (float) Math.sqrt(a);
    }
    double exact = Math.sqrt(a);
    return mode.choose(exact, exact * 0x1p-23);
  }

  /** Off by at most 2^-22.9 relative. */
  private static float reciprocalSquareRoot(float a, Approximation mode) {
    if (a == 0) {
      return 1 / a; // minus infinity for minus zero
    }
    if (!(a > 0) || a == Float.POSITIVE_INFINITY) {
      return a > 0 ? 0 : Float.NaN;
    }
    double exact = 1 / Math.sqrt(a);
    return mode.choose(exact, exact * StrictMath.pow(2, -22.9));
  }

  /** As {@link #quotient}, but a divisor beyond 2^126 gives 0, or NaN for an infinite dividend. */
  private static float approximateQuotient(float a, float b, Approximation mode) {
    if (Math.abs(b) > TWO_TO_126 && !Float.isInfinite(b) && !Float.isNaN(a)) {
      return Float.isInfinite(a) ? Float.NaN : Math.copySign(0f, a) * Math.signum(b);
    }
    return quotient(a, b, mode);
  }

  /** At most 2 units in the last place off. */
  private static float quotient(float a, float b, Approximation mode) {
    if (hasExactQuotient(a, b)) {
      return a / b;
    }
    double exact = (double) a / b;
    return mode.choose(exact, 2 * ulp(exact));
  }

  /** Whether a zero, an infinity or a NaN fixes the result. */
  private static boolean hasExactQuotient(float a, float b) {
    return a == 0 || b == 0 || !Float.isFinite(a) || !Float.isFinite(b);
  }

  /**
   * The upper half of the reciprocal's bits: a seed that f64 code refines. PTX gives no bound; the
   * modes differ by one unit of that half.
   */
  private static long grossReciprocal(long a, Approximation mode) {
    double value = Bits.f64(a);
    double flushed = Math.abs(value) < Double.MIN_NORMAL ? Math.copySign(0.0, value) : value;
    double exact = 1 / flushed;
    if (exact == 0 || !Double.isFinite(exact)) {
      return Bits.bits(exact);
    }
    long bits = Double.doubleToRawLongBits(exact);
    long upperHalf =
        switch (mode) {
          case EXACT -> (bits + 0x80000000L) >>> 32;
          case LOWER -> bits >>> 32;
          case UPPER -> (bits >>> 32) + 1;
        };
    return upperHalf << 32;
  }

  private static double ulp(double exact) {
    return Math.ulp((float) exact);
  }
}
