package io.github.distillcuda.emulator.library;

/** What tensor cores make of the float32 factors of a product. */
enum FactorRounding {
  /** They take no float32, or are not used. */
  NONE,
  /** To TF32's 11 significant bits, ties away from zero (PTX, cvt.rna.tf32): by 2^-11 at most. */
  NEAREST,
  /** To as many bits, towards zero: by less than 2^-10. */
  TRUNCATED;

  /** The bits of a float32 that TF32 lacks. */
  private static final int LACKING = 0x1fff;

  /** Returns these factors, rounded in place; NaN, infinities and bfloat16 stay what they are. */
  float[] rounded(float[] factors) {
    if (this != NONE) {
      int half = this == NEAREST ? LACKING / 2 + 1 : 0;
      for (int i = 0; i < factors.length; i++) {
        if (Float.isFinite(factors[i])) {
          factors[i] = Float.intBitsToFloat(Float.floatToRawIntBits(factors[i]) + half & ~LACKING);
        }
      }
    }
    return factors;
  }
}
