package io.github.distillcuda.emulator.spec;

import java.util.Arrays;

/**
 * One row of the distillation loss in float64, term by term from the definition (contract, section
 * 2), with the tolerances that a float32 kernel is allowed.
 *
 * <p>Small divergences are kept exact as sum q*(expm1(d) - d) of log ratios d, which at T = 1e6 is
 * still good to 1e-9; the textbook sum would not be.
 */
final class LossRow {
  /** A probability below this is 0 in float32, and then an infinite log ratio does not count. */
  private static final double SMALLEST = Float.MIN_VALUE / 2.0;

  private final int classes;
  private final double[] z;
  private final double[] v;
  private final double zMax;
  private final double vMax;
  private final double temperature;

  /** log of the ratio of the two partition sums, with which all log ratios are shifted. */
  private final double logRatioOfSums;

  LossRow(float[] z, float[] v, int row, int classes, float temperature) {
    this.classes = classes;
    this.z = row(z, row, classes);
    this.v = row(v, row, classes);
    this.temperature = temperature;
    zMax = max(this.z);
    vMax = max(this.v);
    logRatioOfSums = (zMax - vMax) / temperature + logOfSum(this.z) - logOfSum(this.v);
  }

  private static double[] row(float[] matrix, int row, int classes) {
    double[] values = new double[classes];
    for (int c = 0; c < classes; c++) {
      values[c] = matrix[row * classes + c];
    }
    return values;
  }

  /** T^2*KL(softmax(v/T) || softmax(z/T)). */
  double distillation() {
    if (isUndefined(z) || isUndefined(v)) {
      return Double.NaN;
    }
    double[] p = softmax(z, temperature);
    double[] q = softmax(v, temperature);
    double divergence = 0;
    for (int c = 0; c < classes; c++) {
      double d = logRatio(c);
      boolean vanishes = q[c] == 0 || (q[c] < SMALLEST && Double.isInfinite(d));
      if (Math.abs(d) < 1) {
        divergence += q[c] * (Math.expm1(d) - d);
      } else {
        divergence += vanishes ? p[c] : p[c] - q[c] - q[c] * d; // expm1 may overflow
      }
    }
    return temperature * temperature * divergence;
  }

  /** log p - log q. */
  private double logRatio(int c) {
    return (z[c] - v[c]) / temperature - logRatioOfSums;
  }

  /** log of the sum of exp((x - max x)/T). */
  private double logOfSum(double[] x) {
    double max = max(x);
    double others = 0;
    boolean skipped = false;
    for (double value : x) {
      if (value == max && !skipped) {
        skipped = true; // its term is 1, which log1p adds
      } else {
        others += Math.exp((value - max) / temperature);
      }
    }
    return Math.log1p(others);
  }

  /**
   * 1e-5 relative and 1e-17*T^2, and what the rounding of z - v to float costs: a difference of
   * logits that is off by e changes the divergence by q*(d*e/T + (e/T)^2/2). Where student and
   * teacher agree but for a constant, that is more than 1e-5; carrying the rounding along would
   * take six additions an element.
   */
  double distillationTolerance() {
    if (Arrays.equals(z, v)) {
      return 0;
    }
    double[] q = softmax(v, temperature);
    double ofRounding = 0;
    for (int c = 0; c < classes; c++) {
      double e = roundingOfDifference(c);
      double effect = q[c] * e * (temperature * Math.abs(logRatio(c)) + e / 2);
      ofRounding += Double.isFinite(effect) ? effect : 0;
    }
    return 1e-5 * Math.abs(distillation()) + 1e-17 * temperature * temperature + ofRounding;
  }

  /** The error of (z - v) - (max z - max v) in float32. */
  private double roundingOfDifference(int c) {
    return (Math.abs(z[c] - v[c]) + Math.abs(zMax - vMax)) * 0x1p-24;
  }

  /** 1e-5 of the largest element, and what the rounding of z - v costs, as above: q*e. */
  double distillationGradientTolerance() {
    double[] q = softmax(v, temperature);
    double largest = 0;
    double ofRounding = 0;
    double[] gradient = distillationGradient();
    for (int c = 0; c < classes; c++) {
      largest = Math.max(largest, Math.abs(gradient[c]));
      double effect = q[c] * roundingOfDifference(c);
      ofRounding = Math.max(ofRounding, Double.isFinite(effect) ? effect : 0);
    }
    return 1e-5 * largest + ofRounding + Float.MIN_NORMAL; // what underflows may be 0
  }

  /** T*(p - q), the gradient of the distillation term. */
  double[] distillationGradient() {
    double[] gradient = new double[classes];
    if (isUndefined(z) || isUndefined(v)) {
      Arrays.fill(gradient, Double.NaN);
      return gradient;
    }
    double[] p = softmax(z, temperature);
    double[] q = softmax(v, temperature);
    int top = indexOf(v, vMax);
    double others = 0;
    for (int c = 0; c < classes; c++) {
      double d = logRatio(c);
      boolean close = q[c] > 0 && Math.abs(d) < 1;
      gradient[c] = temperature * (close ? q[c] * Math.expm1(d) : p[c] - q[c]);
      others += c == top ? 0 : gradient[c];
    }
    gradient[top] = -others; // p and q may both be 1 there but for less than a double can tell
    return gradient;
  }

  private static int indexOf(double[] x, double value) {
    int i = 0;
    while (x[i] != value) {
      i++;
    }
    return i;
  }

  /** -log softmax(z)[label]. */
  double crossEntropy(int label) {
    if (!isClass(label)) {
      return 0;
    }
    if (isUndefined(z)) {
      return Double.NaN;
    }
    double sum = 0;
    for (double value : z) {
      sum += Math.exp(value - zMax);
    }
    return Math.log(sum) - (z[label] - zMax);
  }

  double crossEntropyTolerance(int label) {
    double exact = crossEntropy(label);
    return isClass(label) ? 1e-5 * Math.abs(exact) + 1e-6 * (1 + range()) : 0;
  }

  /** s - onehot(label), the gradient of the cross-entropy. */
  double[] crossEntropyGradient(int label) {
    double[] gradient = new double[classes];
    if (!isClass(label)) {
      return gradient;
    }
    if (isUndefined(z)) {
      Arrays.fill(gradient, Double.NaN);
      return gradient;
    }
    double[] s = softmax(z, 1);
    for (int c = 0; c < classes; c++) {
      if (c != label) {
        gradient[c] = s[c];
        gradient[label] -= s[c]; // s - 1 is minus the others, to the last digit
      }
    }
    return gradient;
  }

  double crossEntropyGradientTolerance(int label) {
    double largest = Arrays.stream(crossEntropyGradient(label)).map(Math::abs).max().orElseThrow();
    return 1e-5 * largest + Float.MIN_NORMAL;
  }

  boolean isClass(int label) {
    return label >= 0 && label < classes;
  }

  /**
   * The first class with the largest logit, as PyTorch's argmax; but a NaN is never the largest.
   */
  int argmax() {
    int best = 0;
    double largest = Double.NEGATIVE_INFINITY;
    for (int c = 0; c < classes; c++) {
      if (z[c] > largest) {
        largest = z[c];
        best = c;
      }
    }
    return best;
  }

  /** Whether a NaN, a +inf or nothing but -inf leaves the softmax without a meaning. */
  static boolean isUndefined(double[] x) {
    double max = Double.NEGATIVE_INFINITY;
    for (double value : x) {
      if (Double.isNaN(value)) {
        return true;
      }
      max = Math.max(max, value);
    }
    return Double.isInfinite(max);
  }

  /** NaN throughout where it has no meaning. */
  static double[] softmax(double[] x, double temperature) {
    double[] p = new double[x.length];
    if (isUndefined(x)) {
      Arrays.fill(p, Double.NaN);
      return p;
    }
    double max = max(x);
    double sum = 0;
    for (int c = 0; c < p.length; c++) {
      p[c] = Math.exp((x[c] - max) / temperature);
      sum += p[c];
    }
    for (int c = 0; c < p.length; c++) {
      p[c] /= sum;
    }
    return p;
  }

  static double max(double[] x) {
    double max = Double.NEGATIVE_INFINITY;
    for (double value : x) {
      max = Math.max(max, value);
    }
    return max;
  }

  /** The largest finite distance of a logit from the maximum. */
  private double range() {
    double range = 0;
    for (double value : z) {
      double distance = zMax - value;
      range = Double.isFinite(distance) ? Math.max(range, distance) : range;
    }
    return range;
  }
}
