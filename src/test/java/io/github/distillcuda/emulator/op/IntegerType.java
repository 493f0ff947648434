package io.github.distillcuda.emulator.op;

import java.util.Locale;

/** The integer types, as far as conversions care. */
enum IntegerType {
  U8(8, false),
  S8(8, true),
  U16(16, false),
  S16(16, true),
  U32(32, false),
  S32(32, true),
  U64(64, false),
  S64(64, true);

  private final int bits;
  private final boolean signed;

  IntegerType(int bits, boolean signed) {
    this.bits = bits;
    this.signed = signed;
  }

  String suffix() {
    return name().toLowerCase(Locale.ROOT);
  }

  boolean isWide() {
    return bits == 64;
  }

  /** The value in the low bits of a register, extended to 64 bits. */
  long read(long register) {
    int unused = 64 - bits;
    return signed ? register << unused >> unused : register << unused >>> unused;
  }

  /**
   * The nearest value of this type to a whole number. NaN gives 0, but where 64 bits are involved
   * it gives the highest bit alone: so says the PTX ISA, and so does an H200.
   *
   * @param sourceBits of the float type that the number comes from
   */
  long saturate(double whole, int sourceBits) {
    if (Double.isNaN(whole)) {
      return sourceBits == 64 || bits == 64 ? read(1L << (bits - 1)) : 0;
    }
    if (signed) {
      long least = Long.MIN_VALUE >> (64 - bits);
      return Math.clamp((long) whole, least, ~least);
    }
    double end = Math.scalb(1.0, bits);
    if (!(whole > 0)) {
      return 0;
    }
    if (whole >= end) {
      return -1L >>> (64 - bits);
    }
    return whole < 0x1p63 ? (long) whole : (long) (whole - 0x1p63) + Long.MIN_VALUE;
  }

  /** Whether the 64 bits of {@link #read} are an unsigned number that Java takes for negative. */
  private boolean isHuge(long value) {
    return !signed && value < 0;
  }

  float toFloat(long register) {
    long value = read(register);
    return isHuge(value) ? 2 * (float) halfOf(value) : (float) value;
  }

  double toDouble(long register) {
    long value = read(register);
    return isHuge(value) ? 2 * (double) halfOf(value) : (double) value;
  }

  /** Half of an unsigned number; the lost bit is kept sticky, so that rounding stays right. */
  private static long halfOf(long value) {
    return value >>> 1 | value & 1;
  }
}
