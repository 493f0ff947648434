package io.github.distillcuda.backend.reference;

/**
 * softmax(x/T) of one row and the parts of its logarithm: log p[c] = (x[c] - max)/T - log1p(rest).
 *
 * <p>The maximum is subtracted before T divides, so that nothing overflows at any T, and its own
 * term, which is 1, stays out of the sum, so that a small rest keeps all its digits.
 */
final class Softmax {
  /** p of the last row computed. */
  final double[] probabilities;

  /** The row's largest element; NaN if one is. */
  double max;

  /** The sum of exp((x[c] - max)/T) without the maximum's own term. */
  double rest;

  Softmax(int classes) {
    probabilities = new double[classes];
  }

  /** Computes the row that starts at {@code start}. */
  void compute(ReferenceTensor x, int start, double temperature) {
    int largest = indexOfLargest(x, start, probabilities.length);
    max = x.get(start + largest);
    // Of an infinite maximum (or one that is NaN) every probability is NaN, as in PyTorch.
    rest = Double.isFinite(max) ? 0 : Double.NaN;
    for (int c = 0; c < probabilities.length; c++) {
      probabilities[c] = Math.exp((x.get(start + c) - max) / temperature);
      if (c != largest) {
        rest += probabilities[c];
      }
    }
    for (int c = 0; c < probabilities.length; c++) {
      probabilities[c] /= 1 + rest;
    }
  }

  /** Returns the offset of the first largest element; of the first NaN if there is one. */
  static int indexOfLargest(ReferenceTensor x, int start, int count) {
    int largest = 0;
    for (int c = 0; c < count; c++) {
      double value = x.get(start + c);
      if (Double.isNaN(value)) {
        return c;
      }
      if (value > x.get(start + largest)) {
        largest = c;
      }
    }
    return largest;
  }
}
