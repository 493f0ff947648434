package io.github.distillcuda.emulator.op;

/** Reads the raw bits of a register as a number, and back. */
final class Bits {
  /** Every NaN that an NVIDIA GPU computes in 32 bits. */
  static final int NAN_32 = 0x7fffffff;

  /** Every NaN that an NVIDIA GPU computes in 64 bits. */
  static final long NAN_64 = 0xfff8000000000000L;

  private Bits() {}

  static float f32(int bits) {
    return Float.intBitsToFloat(bits);
  }

  static int bits(float value) {
    return value != value ? NAN_32 : Float.floatToRawIntBits(value);
  }

  static double f64(long bits) {
    return Double.longBitsToDouble(bits);
  }

  static long bits(double value) {
    return value != value ? NAN_64 : Double.doubleToRawLongBits(value);
  }

  /** {@code .ftz}: a subnormal number counts as 0 of its sign. */
  static float flush(float value) {
    return Math.abs(value) < Float.MIN_NORMAL ? Math.copySign(0f, value) : value;
  }

  static int low16(int bits) {
    return bits & 0xffff;
  }

  static long unsigned(int bits) {
    return Integer.toUnsignedLong(bits);
  }
}
