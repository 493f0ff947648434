package io.github.distillcuda.backend.host;

/** Bytes of images to the numbers that a model reads, {@code (byte/255 - 0.5) / 0.5}. */
public final class PixelNormalisation {
  private static final float[] TABLE = new float[256];

  static {
    for (int pixel = 0; pixel < TABLE.length; pixel++) {
      // In float and in this order, as PyTorch computes it, so that both see the same bits.
      TABLE[pixel] = (pixel / 255f - 0.5f) / 0.5f;
    }
  }

  private PixelNormalisation() {}

  /**
   * Normalises pixels.
   *
   * @param pixels unsigned bytes
   * @param out receives as many floats from index 0
   */
  public static void normalise(byte[] pixels, float[] out) {
    for (int i = 0; i < pixels.length; i++) {
      out[i] = TABLE[pixels[i] & 0xff];
    }
  }
}
