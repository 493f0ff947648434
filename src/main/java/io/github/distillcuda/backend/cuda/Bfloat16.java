package io.github.distillcuda.backend.cuda;

/** The upper half of a float32. */
final class Bfloat16 {
  /** The bits of 1. */
  static final short ONE = 0x3f80;

  private Bfloat16() {}

  static float toFloat(short bits) {
    return Float.intBitsToFloat(bits << Short.SIZE);
  }
}
