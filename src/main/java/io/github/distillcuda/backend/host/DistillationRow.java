package io.github.distillcuda.backend.host;

import java.util.Arrays;

/**
 * The two terms of the distillation loss for one row of logits, and their gradients, computed in
 * double and stable for every temperature and every finite logit.
 *
 * <p>With {@code p = softmax(z/T)} of the student, {@code q = softmax(v/T)} of the teacher and
 * {@code s = softmax(z)} of the student:
 *
 * {@snippet lang=text :
 * distillation  = T^2 * sum_i q_i * (log q_i - log p_i)      d/dz_i = T * (p_i - q_i)
 * cross-entropy = -log s_label                               d/dz_i = s_i - [i == label]
 * }
 *
 * <p>Written like this the first line is useless for large T or a student near its teacher: terms
 * of either sign and size 1/T cancel to a sum of size 1/T^2. So every term is made non-negative by
 * adding {@code p_i - q_i}, which sums to zero, and computed from the small number {@code d_i =
 * log(p_i/q_i)} itself, never from a difference of logarithms:
 *
 * {@snippet lang=text :
 * KL = sum_i q_i * (exp(d_i) - 1 - d_i)
 * d_i = g_i - c,  g_i = ((z_i - v_i) - (max z - max v)) / T,  c = log(sum_j q_j * exp(g_j))
 * }
 *
 * <p>Where z and v are equal bit for bit, g, c and d are zero and so is the term, exactly. A logit
 * of -infinity is a class of probability zero. A row with NaN, +infinity, or nothing but -infinity
 * has no softmax: its terms and gradients are NaN.
 *
 * <p>An object is scratch space for one thread; nothing is allocated after its construction.
 */
public final class DistillationRow {
  /** Below this |d| the series of exp(d)-1-d is used, which otherwise cancels. */
  private static final double SERIES_LIMIT = 0.1;

  /** Below this distance of logarithms a difference of exponentials cancels, beyond it not. */
  private static final double NEAR = 1;

  private static final double[] INVERSE_FACTORIAL = {
    1, 1, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880
  };

  private final int classes;
  private final double[] student;
  private final double[] teacher;
  private final double[] gradient;

  /**
   * Scratch space.
   *
   * @param classes the number of logits in a row, at least 1
   */
  public DistillationRow(int classes) {
    if (classes < 1) {
      throw new IllegalArgumentException(classes + " classes");
    }
    this.classes = classes;
    student = new double[classes];
    teacher = new double[classes];
    gradient = new double[classes];
  }

  /** Sets the gradient of the row to zero, before its terms are added. */
  public void clearGradient() {
    Arrays.fill(gradient, 0);
  }

  /** Returns the weighted gradient with respect to the logit of one class. */
  public double gradient(int classId) {
    return gradient[classId];
  }

  /**
   * Computes the distillation term of a row and adds its gradient.
   *
   * @param z student logits, row from {@code zOffset}
   * @param v teacher logits, row from {@code vOffset}
   * @param temperature T, positive and finite
   * @param weight what the gradient is multiplied by
   * @return T^2 * KL(q || p)
   */
  public double addDistillation(
      float[] z, int zOffset, float[] v, int vOffset, double temperature, double weight) {
    int zTop = argmax(z, zOffset);
    int vTop = argmax(v, vOffset);
    if (!hasSoftmax(z[zOffset + zTop]) || !hasSoftmax(v[vOffset + vTop])) {
      return undefined();
    }
    double zRest = exponentials(z, zOffset, zTop, temperature, student);
    double vRest = exponentials(v, vOffset, vTop, temperature, teacher);
    double shift = (double) z[zOffset + zTop] - v[vOffset + vTop];
    double c = logRatio(z, zOffset, v, vOffset, shift, temperature, vRest);
    double sum = 0;
    for (int i = 0; i < classes; i++) {
      double p = student[i] / (1 + zRest);
      double q = teacher[i] / (1 + vRest);
      double d = scaledDifference(z[zOffset + i], v[vOffset + i], shift, temperature) - c;
      double difference = Math.abs(d) < NEAR ? q * StrictMath.expm1(d) : p - q;
      gradient[i] += weight * (temperature * difference);
      sum += term(p, q, d);
    }
    return temperature * temperature * sum;
  }

  /**
   * Returns c. The sum is taken over the differences of the two unnormalised exponentials, each
   * without cancellation: from g where they are within a factor e, by subtraction where they are
   * not (there exp(g) may overflow).
   */
  private double logRatio(
      float[] z,
      int zOffset,
      float[] v,
      int vOffset,
      double shift,
      double temperature,
      double vRest) {
    double sum = 0;
    for (int i = 0; i < classes; i++) {
      double g = scaledDifference(z[zOffset + i], v[vOffset + i], shift, temperature);
      sum += Math.abs(g) < NEAR ? teacher[i] * StrictMath.expm1(g) : student[i] - teacher[i];
    }
    return StrictMath.log1p(sum / (1 + vRest));
  }

  /**
   * Returns one g. The logits are subtracted first, so that a student near its teacher keeps every
   * digit of the difference. A class of -infinity for both gives NaN, which is near nothing: what
   * is computed from it is a difference of two zeros.
   */
  private static double scaledDifference(float z, float v, double shift, double temperature) {
    return (((double) z - v) - shift) / temperature;
  }

  /** Returns q * (exp(d) - 1 - d), which is p - q - q*d. */
  private static double term(double p, double q, double d) {
    if (q == 0) {
      return p;
    }
    double size = Math.abs(d);
    if (size < SERIES_LIMIT) {
      // Up to d^9/9!: the rest is below 1e-14 of the sum at the limit.
      double series = 0;
      for (int k = INVERSE_FACTORIAL.length - 1; k >= 2; k--) {
        series = series * d + INVERSE_FACTORIAL[k];
      }
      return q * (d * d * series);
    }
    return size < NEAR ? q * (StrictMath.expm1(d) - d) : (p - q) - q * d;
  }

  /**
   * Computes the cross-entropy of a row and adds its gradient.
   *
   * @param z student logits, row from {@code zOffset}
   * @param label the right class, in [0, classes)
   * @param weight what the gradient is multiplied by
   * @return -log softmax(z) at the label; infinite where that logit is -infinity
   */
  public double addCrossEntropy(float[] z, int zOffset, int label, double weight) {
    int top = argmax(z, zOffset);
    if (!hasSoftmax(z[zOffset + top])) {
      return undefined();
    }
    double rest = exponentials(z, zOffset, top, 1, student);
    for (int i = 0; i < classes; i++) {
      double s = student[i] / (1 + rest);
      // s - 1 = -(all but s): a student that is sure and right keeps its small gradient.
      double oneHot = i == label ? 1 : 0;
      gradient[i] += weight * (i == label && i == top ? -rest / (1 + rest) : s - oneHot);
    }
    return StrictMath.log1p(rest) + ((double) z[zOffset + top] - z[zOffset + label]);
  }

  /** Returns the index of the largest logit, the first of equals; the first NaN if there is one. */
  public int argmax(float[] z, int zOffset) {
    int top = 0;
    for (int i = 0; i < classes; i++) {
      if (Float.isNaN(z[zOffset + i])) {
        return i;
      }
      if (z[zOffset + i] > z[zOffset + top]) {
        top = i;
      }
    }
    return top;
  }

  /** Returns whether the softmax of a row with this largest logit exists. */
  private static boolean hasSoftmax(float largest) {
    return largest - largest == 0;
  }

  /**
   * Fills {@code out} with exp((x - max x)/T) and returns their sum without the maximum's own 1.
   */
  private double exponentials(float[] x, int offset, int top, double temperature, double[] out) {
    double largest = x[offset + top];
    double rest = 0;
    for (int i = 0; i < classes; i++) {
      out[i] = StrictMath.exp((x[offset + i] - largest) / temperature);
      rest += i == top ? 0 : out[i];
    }
    return rest;
  }

  private double undefined() {
    Arrays.fill(gradient, Double.NaN);
    return Double.NaN;
  }
}
