package io.github.distillcuda.backend;

import java.util.Arrays;

/**
 * The inputs of the golden files: the functions of {@code golden_hash.py}, bit for bit, so that no
 * input is stored.
 */
public final class GoldenHash {
  /** Channels, rows and columns of an image. */
  private static final int CHANNELS = 3;

  private static final int SIDE = 32;
  private static final int PATCH = 8;
  private static final int PATCHES = SIDE / PATCH;

  private GoldenHash() {}

  /** SplitMix64's finaliser of seed*0x9E3779B97F4A7C15 + index. */
  static long hash(long seed, long index) {
    long z = seed * 0x9E3779B97F4A7C15L + index;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** From 0 to 1, the top 24 bits. */
  private static double uniform(long seed, long index) {
    return (hash(seed, index) >>> 40) * 0x1p-24;
  }

  /** From -spread to spread. */
  static float[] symmetric(long seed, int count, double spread) {
    double[] spreads = new double[count];
    Arrays.fill(spreads, spread);
    return symmetric(seed, spreads);
  }

  /** From -spread to spread, each element with its own. */
  static float[] symmetric(long seed, double[] spreads) {
    float[] values = new float[spreads.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (spreads[i] * (2 * uniform(seed, i) - 1));
    }
    return values;
  }

  /** From -1/sqrt(fanIn) to 1/sqrt(fanIn). */
  static float[] weights(long seed, int count, int fanIn) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) ((2 * uniform(seed, i) - 1) / Math.sqrt(fanIn));
    }
    return values;
  }

  /** Whole numbers from -bound to bound. */
  static float[] integers(long seed, int count, int bound) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = Long.remainderUnsigned(hash(seed, i), 2 * bound + 1) - bound;
    }
    return values;
  }

  /** [count, 3, 32, 32]: patches of 8x8 pixels under a quarter of noise. */
  public static byte[] images(long seed, int count) {
    byte[] images = new byte[count * CHANNELS * SIDE * SIDE];
    for (int pixel = 0; pixel < images.length; pixel++) {
      int plane = pixel / (SIDE * SIDE);
      int row = pixel / SIDE % SIDE / PATCH;
      int column = pixel % SIDE / PATCH;
      long patch = hash(seed, (plane * PATCHES + row) * PATCHES + column) >>> 56;
      long noise = hash(seed + 1, pixel) >>> 56;
      images[pixel] = (byte) ((3 * patch + noise) / 4);
    }
    return images;
  }

  /** From 0 to classes - 1. */
  public static byte[] labels(long seed, int count, int classes) {
    byte[] labels = new byte[count];
    for (int i = 0; i < count; i++) {
      labels[i] = (byte) Long.remainderUnsigned(hash(seed, i), classes);
    }
    return labels;
  }

  /** A permutation: Fisher and Yates from the last element down. */
  static int[] order(long seed, int count) {
    int[] ids = new int[count];
    for (int i = 0; i < count; i++) {
      ids[i] = i;
    }
    for (int i = count - 1; i > 0; i--) {
      int j = (int) Long.remainderUnsigned(hash(seed, i), i + 1);
      int swapped = ids[i];
      ids[i] = ids[j];
      ids[j] = swapped;
    }
    return ids;
  }
}
