package io.github.distillcuda.backend.host;

/** The search for NaN and infinities. */
public final class FiniteCheck {
  private static final int EXPONENT = 0x7f800000;

  private FiniteCheck() {}

  /**
   * Returns whether none of the first {@code count} floats is NaN or infinite.
   *
   * @param bits the floats as {@link Float#floatToRawIntBits}: a maximum of integers becomes vector
   *     instructions, a sum of floats that must keep its order does not
   */
  public static boolean allFinite(int[] bits, int count) {
    int largest = 0;
    for (int i = 0; i < count; i++) {
      largest = Math.max(largest, bits[i] & EXPONENT);
    }
    return largest != EXPONENT;
  }
}
