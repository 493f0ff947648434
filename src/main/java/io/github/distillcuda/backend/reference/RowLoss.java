package io.github.distillcuda.backend.reference;

/**
 * The two terms of the distillation loss for one row, each with its gradient with respect to the
 * student's logits z:
 *
 * <pre>
 * T^2*KL(q || p)   gradient T*(p - q)      p = softmax(z/T), q = softmax(v/T) of the teacher's v
 * CE(s, y)         gradient s - onehot(y)  s = softmax(z)
 * </pre>
 *
 * <p>KL is computed from d = log p - log q, not from the two logarithms: where student and teacher
 * nearly agree, or T is large, those are nearly equal and their difference would be rounding alone.
 */
final class RowLoss {
  private final double temperature;
  private final int classes;
  private final Softmax student;
  private final Softmax teacher;
  private final double[] logRatio;
  private final double[] gradient;

  RowLoss(double temperature, int classes) {
    this.temperature = temperature;
    this.classes = classes;
    student = new Softmax(classes);
    teacher = new Softmax(classes);
    logRatio = new double[classes];
    gradient = new double[classes];
  }

  /** Returns one element of the gradient of the term that was computed last. */
  double gradient(int c) {
    return gradient[c];
  }

  /** Returns T^2*KL of the row that starts at {@code start}. */
  double distillation(ReferenceTensor z, ReferenceTensor v, int start) {
    student.compute(z, start, temperature);
    teacher.compute(v, start, temperature);
    computeLogRatio(z, v, start);
    double divergence = 0;
    for (int c = 0; c < classes; c++) {
      double p = student.probabilities[c];
      double q = teacher.probabilities[c];
      double d = logRatio[c];
      boolean close = Math.abs(d) < 1;
      double difference = close ? q * Math.expm1(d) : p - q;
      gradient[c] = temperature * difference;
      // q*(log q - log p) + (p - q): the second part sums to 0 and makes every term positive.
      if (q == 0) {
        divergence += p; // 0*log 0 = 0, also where d is infinite or NaN
      } else {
        divergence += close ? q * expm1Remainder(d) : difference - q * d;
      }
    }
    return temperature * temperature * divergence;
  }

  /** Returns the cross-entropy of the row that starts at {@code start}. */
  double crossEntropy(ReferenceTensor z, int start, int label) {
    student.compute(z, start, 1);
    gradient[label] = 0;
    for (int c = 0; c < classes; c++) {
      if (c != label) {
        gradient[c] = student.probabilities[c];
        gradient[label] -= student.probabilities[c]; // s - 1 would round where s is nearly 1
      }
    }
    return Math.log1p(student.rest) - (z.get(start + label) - student.max);
  }

  /**
   * Computes d = g - c with g = ((z - v) - (max z - max v))/T and the constant c that normalises
   * it. z - v comes first, so that near agreement loses nothing; c is exactly 0 where z = v.
   */
  private void computeLogRatio(ReferenceTensor z, ReferenceTensor v, int start) {
    double shift = student.max - teacher.max;
    double largest = 0;
    double sum = 0;
    for (int c = 0; c < classes; c++) {
      double zc = z.get(start + c);
      double vc = v.get(start + c);
      double difference = zc == vc ? 0 : zc - vc; // equal infinities differ by nothing
      logRatio[c] = (difference - shift) / temperature;
      largest = Math.max(largest, Math.abs(logRatio[c]));
      sum += teacher.probabilities[c] * Math.expm1(logRatio[c]);
    }
    double normaliser =
        largest <= 1 ? Math.log1p(sum) : Math.log1p(student.rest) - Math.log1p(teacher.rest);
    for (int c = 0; c < classes; c++) {
      logRatio[c] -= normaliser;
    }
  }

  /**
   * Returns exp(d) - 1 - d. Near 0, where expm1(d) and d agree in most digits, by its series; the
   * first term left out is below 1e-13 of the sum.
   */
  private static double expm1Remainder(double d) {
    if (Math.abs(d) < 0.01) {
      return d * d * (1 / 2.0 + d * (1 / 6.0 + d * (1 / 24.0 + d * (1 / 120.0 + d / 720.0))));
    }
    return Math.expm1(d) - d;
  }
}
