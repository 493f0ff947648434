package io.github.distillcuda.emulator.op;

import java.math.BigDecimal;
import java.math.RoundingMode;

/**
 * Rounds exact numbers to a binary floating-point format, straight from the definition: the oracle
 * of the arithmetic instructions.
 *
 * @param precision bits of the significand, the hidden one included
 * @param largestExponent of a finite number
 */
record IeeeRounding(int precision, int largestExponent) {
  static final IeeeRounding FLOAT = new IeeeRounding(24, 127);
  static final IeeeRounding DOUBLE = new IeeeRounding(53, 1023);
  static final IeeeRounding BFLOAT16 = new IeeeRounding(8, 127);
  static final IeeeRounding TF32 = new IeeeRounding(11, 127);
  static final IeeeRounding FLOAT16 = new IeeeRounding(11, 15);

  private static final BigDecimal TWO = BigDecimal.valueOf(2);

  /** The rounded value, exact in a double; infinite where it overflows. Not for zero. */
  double round(BigDecimal exact, RoundingMode mode) {
    int smallestExponent = 1 - largestExponent;
    int exponent = Math.max(exponentOf(exact), smallestExponent);
    BigDecimal unit = powerOfTwo(exponent - precision + 1);
    BigDecimal rounded = exact.divide(unit).setScale(0, mode).multiply(unit);
    if (rounded.signum() == 0) {
      return exact.signum() < 0 ? -0.0 : 0.0;
    }
    BigDecimal largest =
        TWO.subtract(powerOfTwo(1 - precision)).multiply(powerOfTwo(largestExponent));
    if (rounded.abs().compareTo(largest) <= 0) {
      return rounded.doubleValue();
    }
    boolean towardsZero =
        mode == RoundingMode.DOWN
            || mode == (exact.signum() > 0 ? RoundingMode.FLOOR : RoundingMode.CEILING);
    double magnitude = towardsZero ? largest.doubleValue() : Double.POSITIVE_INFINITY;
    return exact.signum() * magnitude;
  }

  private static int exponentOf(BigDecimal value) {
    BigDecimal magnitude = value.abs();
    // A first guess from the decimal digits, then steps to the power of two just below.
    int exponent = (int) ((magnitude.precision() - magnitude.scale()) * 3.3219) - 2;
    while (powerOfTwo(exponent).compareTo(magnitude) > 0) {
      exponent--;
    }
    while (powerOfTwo(exponent + 1).compareTo(magnitude) <= 0) {
      exponent++;
    }
    return exponent;
  }

  static BigDecimal powerOfTwo(int exponent) {
    return exponent >= 0
        ? TWO.pow(exponent)
        : BigDecimal.ONE.divide(TWO.pow(-exponent)); // finite in decimal, so exact
  }
}
