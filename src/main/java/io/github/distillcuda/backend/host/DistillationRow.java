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
 * of either sign and size 1/T cancel to a sum of size 1/T^2, and p and q cancel, too. So every term
 * is made non-negative by adding {@code p_i - q_i}, which sums to zero, and all is computed from
 * the differences g of the logits, never from those of logarithms or of neighbours p and q:
 *
 * {@snippet lang=text :
 * a_i = exp((z_i - max z)/T)   A = sum_i a_i      g_i = ((z_i - v_i) - (max z - max v)) / T
 * b_i = exp((v_i - max v)/T)   B = sum_i b_i      e_i = a_i - b_i = b_i * (exp(g_i) - 1)
 *                                                 E   = sum_i e_i = A - B
 * p_i - q_i = (e_i - q_i * E) / A                 d_i = log(p_i/q_i) = g_i - log(1 + E/B)
 * KL = sum_i q_i * (exp(d_i) - 1 - d_i)
 * }
 *
 * <p>The largest of p and of q are 1/A and 1/B, so one of the two classes has a gradient of at
 * least |1/A - 1/B| = |E|/(A*B), which no q_i*|E|/A exceeds: subtracting that costs no digit of the
 * row's largest gradient.
 *
 * <p>Where z and v are equal bit for bit, g, e and d are zero and so is the term, exactly. A logit
 * of -infinity is a class of probability zero. A row with NaN, +infinity, or nothing but -infinity
 * has no softmax: its terms and gradients are NaN.
 *
 * <p>Every pass is a plain loop over a block that the first-level cache holds, which becomes vector
 * instructions; sums have one order. So the bits do not depend on the machine. An object is scratch
 * space for one thread; nothing is allocated after its construction.
 */
public final class DistillationRow {
  /** Classes of a block. */
  private static final int BLOCK = 1024;

  /**
   * Stands for a logit of -infinity in g, which must stay finite: far from every float, and still
   * so after a division by any.
   */
  private static final double EXCLUDED = -1e250;

  private static final int UNREAD = -1;

  private final int classes;

  /** a, then e, then p - q; for the cross-entropy exp(z - max z). */
  private final double[] student;

  /** b, then q. */
  private final double[] teacher;

  /** g, then the terms of KL. */
  private final double[] logRatio;

  private final double[] gradient;
  private int studentTop = UNREAD;
  private boolean finite;

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
    logRatio = new double[classes];
    gradient = new double[classes];
  }

  /**
   * Begins a row, whose gradient is zero before its terms are added. Until the next call all terms
   * are of the same student logits.
   */
  public void clearGradient() {
    Arrays.fill(gradient, 0);
    studentTop = UNREAD;
    finite = true;
  }

  /** Returns the weighted gradient with respect to the logit of one class. */
  double gradient(int classId) {
    return gradient[classId];
  }

  /** Writes the weighted gradient, rounded to float, from {@code offset}. */
  void copyGradient(float[] target, int offset) {
    for (int i = 0; i < classes; i++) {
      target[offset + i] = (float) gradient[i];
    }
  }

  /** Returns whether every logit of the row that was read is finite. */
  boolean isFinite() {
    return finite;
  }

  /**
   * Reads the student's logits, once in a row.
   *
   * @return their {@link #argmax}
   */
  int readStudent(float[] z, int zOffset) {
    if (studentTop == UNREAD) {
      studentTop = read(z, zOffset);
    }
    return studentTop;
  }

  /**
   * Computes the distillation term of a row and adds its gradient.
   *
   * @param z student logits, row from {@code zOffset}
   * @param v teacher logits, row from {@code vOffset}
   * @param temperature T, in the range of positive floats
   * @param weight what the gradient is multiplied by
   * @return T^2 * KL(q || p)
   */
  public double addDistillation(
      float[] z, int zOffset, float[] v, int vOffset, double temperature, double weight) {
    double zLargest = z[zOffset + readStudent(z, zOffset)];
    double vLargest = v[vOffset + read(v, vOffset)];
    if (!hasSoftmax(zLargest) || !hasSoftmax(vLargest)) {
      return undefined();
    }
    double scale = 1 / temperature;
    double zSum = 0;
    double vSum = 0;
    double excess = 0;
    for (int from = 0; from < classes; from += BLOCK) {
      int to = Math.min(from + BLOCK, classes);
      exponentials(z, zOffset, zLargest, scale, student, from, to);
      exponentials(v, vOffset, vLargest, scale, teacher, from, to);
      zSum += sum(student, from, to);
      vSum += sum(teacher, from, to);
      logRatios(z, zOffset, v, vOffset, zLargest - vLargest, scale, from, to);
      excesses(from, to);
      excess += sum(student, from, to);
    }
    double logRatioOfSums = StrictMath.log1p(excess / vSum);
    double divergence = 0;
    for (int from = 0; from < classes; from += BLOCK) {
      int to = Math.min(from + BLOCK, classes);
      terms(1 / zSum, 1 / vSum, excess, logRatioOfSums, weight * temperature, from, to);
      divergence += sum(logRatio, from, to);
    }
    if (!finite && excludesWhatTheTeacherDoesNot(z, zOffset)) {
      divergence = Double.POSITIVE_INFINITY;
    }
    return temperature * temperature * divergence;
  }

  /**
   * Computes g. The logits are subtracted first, so that a student near its teacher keeps every
   * digit of the difference.
   */
  private void logRatios(
      float[] z,
      int zOffset,
      float[] v,
      int vOffset,
      double shift,
      double scale,
      int from,
      int to) {
    for (int i = from; i < to; i++) {
      double zLogit = Math.max(z[zOffset + i], EXCLUDED);
      double vLogit = Math.max(v[vOffset + i], EXCLUDED);
      logRatio[i] = ((zLogit - vLogit) - shift) * scale;
    }
  }

  /**
   * Turns a into e: from g where that is small, by subtraction where it is not (there exp(g) may
   * overflow).
   */
  private void excesses(int from, int to) {
    for (int i = from; i < to; i++) {
      double near = near(logRatio[i]);
      double g = near * logRatio[i];
      double expm1 = Math.fma(g * g, Exponential.series(g), g);
      student[i] = teacher[i] * expm1 + (1 - near) * (student[i] - teacher[i]);
    }
  }

  /**
   * Turns b into q, e into p - q and g into the terms of KL, and adds the gradient. A term is
   * {@code q*(exp(d)-1-d)} by its series where d is small, and {@code (p-q) - q*d} where it is not.
   */
  private void terms(
      double zScale,
      double vScale,
      double excess,
      double logRatioOfSums,
      double weight,
      int from,
      int to) {
    for (int i = from; i < to; i++) {
      teacher[i] *= vScale;
      student[i] = (student[i] - teacher[i] * excess) * zScale;
      gradient[i] += weight * student[i];
    }
    for (int i = from; i < to; i++) {
      double q = teacher[i];
      double ratio = logRatio[i] - logRatioOfSums;
      double near = near(ratio);
      double d = near * ratio;
      double small = d * d * Exponential.series(d);
      logRatio[i] = q * small + (1 - near) * (student[i] - q * ratio);
    }
  }

  /**
   * Returns 1 where the series of the exponential function holds, else 0: a factor, because a loop
   * with a branch becomes no vector instructions.
   */
  private static double near(double x) {
    return Math.max(Math.signum(Exponential.NEAR - Math.abs(x)), 0);
  }

  /**
   * Returns whether the student rules out a class that the teacher does not: the loss is infinite.
   */
  private boolean excludesWhatTheTeacherDoesNot(float[] z, int zOffset) {
    for (int i = 0; i < classes; i++) {
      if (z[zOffset + i] == Float.NEGATIVE_INFINITY && teacher[i] > 0) {
        return true;
      }
    }
    return false;
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
    int top = readStudent(z, zOffset);
    double largest = z[zOffset + top];
    if (!hasSoftmax(largest)) {
      return undefined();
    }
    // Of all but the largest, whose own 1 would swallow what little a sure student leaves them.
    double rest = 0;
    for (int from = 0; from < classes; from += BLOCK) {
      int to = Math.min(from + BLOCK, classes);
      exponentials(z, zOffset, largest, 1, student, from, to);
      if (top >= from && top < to) {
        student[top] = 0;
      }
      rest += sum(student, from, to);
    }
    double scale = weight / (1 + rest);
    for (int i = 0; i < classes; i++) {
      gradient[i] += scale * student[i];
    }
    if (label == top) {
      // s - 1 = -(all but s): a student that is sure and right keeps its small gradient.
      gradient[top] -= scale * rest;
    } else {
      gradient[top] += scale;
      gradient[label] -= weight;
    }
    return StrictMath.log1p(rest) + (largest - z[zOffset + label]);
  }

  /** Returns the index of the largest logit, the first of equals; the first NaN if there is one. */
  public int argmax(float[] x, int offset) {
    int top = 0;
    float largest = x[offset];
    for (int i = 0; i < classes; i++) {
      float logit = x[offset + i];
      if (!(logit <= largest)) {
        top = i;
        largest = logit;
        if (Float.isNaN(logit)) {
          break;
        }
      }
    }
    return top;
  }

  /** Returns the argmax of a row, and notes whether all of it is finite. */
  private int read(float[] x, int offset) {
    int top = argmax(x, offset);
    float smallest = x[offset];
    for (int i = 0; i < classes; i++) {
      if (x[offset + i] < smallest) {
        smallest = x[offset + i];
      }
    }
    // If there is a NaN it is the largest.
    finite &= Float.isFinite(x[offset + top]) && Float.isFinite(smallest);
    return top;
  }

  /** Returns whether the softmax of a row with this largest logit exists. */
  private static boolean hasSoftmax(double largest) {
    return largest - largest == 0;
  }

  /** Computes exp((x - max x)/T) of a block. */
  private void exponentials(
      float[] x, int offset, double largest, double scale, double[] out, int from, int to) {
    for (int i = from; i < to; i++) {
      out[i] = (x[offset + i] - largest) * scale;
    }
    Exponential.apply(out, logRatio, from, to);
  }

  /** Sums up a block: eight sums, which do not wait for each other, then those. */
  private static double sum(double[] x, int from, int to) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    double s4 = 0;
    double s5 = 0;
    double s6 = 0;
    double s7 = 0;
    int i = from;
    for (; i + 7 < to; i += 8) {
      s0 += x[i];
      s1 += x[i + 1];
      s2 += x[i + 2];
      s3 += x[i + 3];
      s4 += x[i + 4];
      s5 += x[i + 5];
      s6 += x[i + 6];
      s7 += x[i + 7];
    }
    for (; i < to; i++) {
      s0 += x[i];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }

  private double undefined() {
    Arrays.fill(gradient, Double.NaN);
    return Double.NaN;
  }
}
