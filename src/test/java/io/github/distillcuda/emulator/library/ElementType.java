package io.github.distillcuda.emulator.library;

/** The types that elements of an array may have on the device. */
enum ElementType {
  FLOAT32(4),
  BFLOAT16(2);

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  int bytes() {
    return bytes;
  }

  /** Rounds to the nearest bfloat16, ties to even; NaN stays NaN. */
  static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  static float ofBfloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** Rounds to the 10 bits of fraction that tensor cores read of a float32 (PTX, cvt.rna.tf32). */
  static float toTf32(float value) {
    return Float.isFinite(value)
        ? Float.intBitsToFloat(Float.floatToRawIntBits(value) + 0x1000 & ~0x1fff)
        : value;
  }
}
