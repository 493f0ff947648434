package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.op.Bits.f32;
import static io.github.distillcuda.emulator.op.Bits.low16;

/** Arithmetic on two bfloat16 numbers in a word. */
final class Bfloat16Ops {
  private static final int NAN = 0x7fff;
  private static final int FRACTION_BITS = 7;
  private static final int SMALLEST_EXPONENT = -126;

  private Bfloat16Ops() {}

  static void addTo(OpTable table) {
    table.add(
        "max.bf16x2",
        WordLoops.binary((a, b) -> pair(max(a >>> 16, b >>> 16), max(low16(a), low16(b)))));
    table.add(
        "fma.rn.bf16x2",
        WordLoops.ternary(
            (a, b, c) ->
                pair(fma(a >>> 16, b >>> 16, c >>> 16), fma(low16(a), low16(b), low16(c)))));
  }

  private static int pair(int high, int low) {
    return high << 16 | low;
  }

  private static float value(int bits) {
    return f32(bits << 16);
  }

  /** The operand that is not NaN. */
  private static int max(int a, int b) {
    if (Float.isNaN(value(a))) {
      return Float.isNaN(value(b)) ? NAN : b;
    }
    return Float.isNaN(value(b)) || Float.compare(value(a), value(b)) >= 0 ? a : b;
  }

  /** Rounded once: the product is exact in a double, and the sum is rounded to odd there. */
  private static int fma(int a, int b, int c) {
    double product = (double) value(a) * value(b);
    double sum = product + value(c);
    if (!Double.isFinite(sum)) {
      return Double.isNaN(sum) ? NAN : sum > 0 ? 0x7f80 : 0xff80;
    }
    double larger = Math.abs(product) >= Math.abs(value(c)) ? product : value(c);
    double smaller = larger == product ? value(c) : product;
    double lost = smaller - (sum - larger);
    if (lost != 0 && (Double.doubleToRawLongBits(sum) & 1) == 0) {
      sum = lost > 0 ? Math.nextUp(sum) : Math.nextDown(sum);
    }
    return round(sum);
  }

  private static int round(double exact) {
    int exponent = Math.max(Math.getExponent(exact), SMALLEST_EXPONENT);
    double unit = Math.scalb(1.0, exponent - FRACTION_BITS);
    return Float.floatToRawIntBits((float) (Math.rint(exact / unit) * unit)) >>> 16;
  }
}
