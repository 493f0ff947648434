package io.github.distillcuda.backend.onednn;

/**
 * The transforms of Winograd's F(2x2, 3x3), in one direction of an image at a time: Lavin and Gray,
 * "Fast Algorithms for Convolutional Neural Networks", 2015, section 4.1. Two outputs of a filter
 * of three take four products in place of six.
 *
 * <p>Every array holds one value a channel or more, and all are of the same length: each loop reads
 * and writes one index, which the compiler turns into vector instructions.
 */
final class WinogradTransforms {
  /** Elements of a tile in one direction: two outputs and what the filter reaches beyond them. */
  static final int TILE = 4;

  /** Products an element of a tile of two by two outputs. */
  static final int PRODUCTS = TILE * TILE;

  private WinogradTransforms() {}

  /** Transforms four neighbours of the input: v = B'd. */
  static void input(
      float[] d0,
      float[] d1,
      float[] d2,
      float[] d3,
      float[] v0,
      float[] v1,
      float[] v2,
      float[] v3) {
    for (int i = 0; i < v0.length; i++) {
      v0[i] = d0[i] - d2[i];
      v1[i] = d1[i] + d2[i];
      v2[i] = d2[i] - d1[i];
      v3[i] = d1[i] - d3[i];
    }
  }

  /** Transforms the three taps of a filter: u = Gg; its halves are exact. */
  static void filter(
      float[] g0, float[] g1, float[] g2, float[] u0, float[] u1, float[] u2, float[] u3) {
    for (int i = 0; i < u0.length; i++) {
      float ends = g0[i] + g2[i];
      u0[i] = g0[i];
      u1[i] = 0.5f * (ends + g1[i]);
      u2[i] = 0.5f * (ends - g1[i]);
      u3[i] = g2[i];
    }
  }

  /** Transforms four products to two outputs: y = A'm. */
  static void output(float[] m0, float[] m1, float[] m2, float[] m3, float[] y0, float[] y1) {
    for (int i = 0; i < y0.length; i++) {
      y0[i] = m0[i] + m1[i] + m2[i];
      y1[i] = m1[i] - m2[i] - m3[i];
    }
  }

  /**
   * Pools four outputs, and adds the bias and the ReLU: the bias is the same for all four, so to
   * take their maximum first gives the same bits where it is finite. NaN is the largest.
   */
  static void pool(
      float[] y00, float[] y01, float[] y10, float[] y11, float[] bias, float[] pooled) {
    for (int i = 0; i < pooled.length; i++) {
      float largest = Math.max(Math.max(y00[i], y01[i]), Math.max(y10[i], y11[i]));
      pooled[i] = Math.max(largest + bias[i], 0);
    }
  }
}
