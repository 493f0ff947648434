package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.tensor.Shape;

/**
 * In which order the elements of a tensor lie on the device: row-major, or with the channels of
 * [rows, channels, pixels] last. On the host they are always row-major.
 *
 * @param channels how many; 1 for row-major
 * @param pixels of a channel
 */
record ElementOrder(int channels, int pixels) {
  static final ElementOrder ROW_MAJOR = new ElementOrder(1, 1);

  /**
   * Returns the order with channels last.
   *
   * @param row the shape behind the first extent: [channels, height, width], or [features], in
   *     which there is nothing to move
   */
  static ElementOrder channelsLast(Shape row) {
    return row.rank() < 2
        ? ROW_MAJOR
        : new ElementOrder(row.extent(0), row.elements() / row.extent(0));
  }

  boolean isRowMajor() {
    return channels == 1 || pixels == 1;
  }

  /** Returns row-major elements in this order; the argument itself if it is the same. */
  float[] fromRowMajor(float[] values) {
    return isRowMajor() ? values : transposed(values, channels, pixels);
  }

  /** Returns elements in this order in row-major order, likewise. */
  float[] toRowMajor(float[] values) {
    return isRowMajor() ? values : transposed(values, pixels, channels);
  }

  /** Swaps the last two of [rows, outer, inner]. */
  private static float[] transposed(float[] values, int outer, int inner) {
    float[] result = new float[values.length];
    int row = outer * inner;
    for (int begin = 0; begin < values.length; begin += row) {
      for (int i = 0; i < outer; i++) {
        for (int j = 0; j < inner; j++) {
          result[begin + j * outer + i] = values[begin + i * inner + j];
        }
      }
    }
    return result;
  }
}
