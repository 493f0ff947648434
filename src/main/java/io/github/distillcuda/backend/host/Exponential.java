package io.github.distillcuda.backend.host;

/**
 * The exponential function of an array, of additions, multiplications, {@link Math#fma} and shifts
 * alone. Java defines those to the bit, so a result is the same on every machine, in the
 * interpreter, and in the vector instructions that the compiler makes of the loops; {@link
 * Math#exp} may differ by machine, and {@link StrictMath#exp} takes one element at a time.
 *
 * {@snippet lang=text :
 * x = k*ln 2 + r,  |r| <= ln(2)/2 :   e^x = 2^k * (1 + r + r^2 * S(r))
 * S(r) = (e^r - 1 - r) / r^2 = 1/2! + r/3! + r^2/4! + ...
 * }
 */
final class Exponential {
  /** The largest |r|, ln(2)/2. */
  static final double NEAR = 0.34657359027997264;

  private static final double LOG2_E = 1.4426950408889634;

  /** The double nearest to ln 2, and what it lacks. */
  private static final double LN_2 = 0.6931471805599453;

  private static final double LN_2_REST = 2.3190468138462996e-17;

  /** From 2^52 to 2^53 doubles are the integers: adding this rounds to one, in the lowest bits. */
  private static final double TO_INTEGER = 0x1.8p52;

  private static final int EXPONENT_BIAS = 1023;
  private static final int FRACTION_BITS = 52;

  /** Gives k = -1023, and the exponent's bits 0 are those of the number 0. */
  private static final double LOWEST = -709.09;

  private Exponential() {}

  /**
   * Replaces elements x by e^x; x up to 709.
   *
   * <p>Less than 1 ulp off down to 2^-1022; what is below 2^-1022.5, such as e^-infinity, is 0, and
   * between the two the error is half of the smallest double more. NaN gives NaN.
   *
   * @param x the array, of which the elements from {@code from} up to {@code to} are replaced
   * @param scratch another array, of which the same elements are overwritten: arrays that are
   *     walked with one index cannot disturb each other, which lets the compiler use vectors
   */
  static void apply(double[] x, double[] scratch, int from, int to) {
    for (int i = from; i < to; i++) {
      double limited = Math.max(x[i], LOWEST);
      double rounded = limited * LOG2_E + TO_INTEGER;
      double k = rounded - TO_INTEGER;
      double r = Math.fma(k, -LN_2_REST, Math.fma(k, -LN_2, limited));
      scratch[i] = rounded;
      x[i] = 1 + Math.fma(r * r, series(r), r);
    }
    // A loop of its own, because the bits of a double become no vector instructions in Java 25.
    for (int i = from; i < to; i++) {
      long exponent = Double.doubleToRawLongBits(scratch[i]) + EXPONENT_BIAS;
      x[i] *= Double.longBitsToDouble(exponent << FRACTION_BITS);
    }
  }

  /**
   * Returns S(x) = (e^x - 1 - x) / x^2 for |x| up to {@link #NEAR}, less than 1 ulp off: Taylor's
   * series to x^11/13!, which leaves out less than 7e-17 of it. A loop that calls it becomes vector
   * instructions.
   */
  static double series(double x) {
    double s = Math.fma(x, 1.0 / 6227020800L, 1.0 / 479001600);
    s = Math.fma(s, x, 1.0 / 39916800);
    s = Math.fma(s, x, 1.0 / 3628800);
    s = Math.fma(s, x, 1.0 / 362880);
    s = Math.fma(s, x, 1.0 / 40320);
    s = Math.fma(s, x, 1.0 / 5040);
    s = Math.fma(s, x, 1.0 / 720);
    s = Math.fma(s, x, 1.0 / 120);
    s = Math.fma(s, x, 1.0 / 24);
    s = Math.fma(s, x, 1.0 / 6);
    return Math.fma(s, x, 0.5);
  }
}
