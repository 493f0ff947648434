package io.github.distillcuda.backend.reference;

import java.math.BigDecimal;
import java.math.MathContext;

/**
 * The distillation loss of one row in 80-digit decimal arithmetic, straight from its definition. A
 * logit of -infinity is a class of probability 0.
 *
 * @param distillation T^2*KL(softmax(v/T) || softmax(z/T))
 * @param distillationGradient T*(p - q)
 */
record ExactLoss(double distillation, double[] distillationGradient) {
  private static final MathContext DIGITS = new MathContext(80);

  /** The distillation term, infinite where the student gives up a class that the teacher has. */
  static ExactLoss distillation(double[] z, double[] v, double temperature) {
    BigDecimal t = new BigDecimal(temperature);
    BigDecimal[] logP = logSoftmax(z, t);
    BigDecimal[] logQ = logSoftmax(v, t);
    BigDecimal divergence = BigDecimal.ZERO;
    boolean infinite = false;
    double[] gradient = new double[z.length];
    for (int c = 0; c < z.length; c++) {
      BigDecimal p = exp(logP[c]);
      BigDecimal q = exp(logQ[c]);
      if (p.signum() == 0) {
        infinite |= q.signum() != 0;
      } else if (q.signum() != 0) {
        divergence = divergence.add(q.multiply(logQ[c].subtract(logP[c]), DIGITS), DIGITS);
      }
      gradient[c] = t.multiply(p.subtract(q, DIGITS), DIGITS).doubleValue();
    }
    double loss = t.multiply(t).multiply(divergence, DIGITS).doubleValue();
    return new ExactLoss(infinite ? Double.POSITIVE_INFINITY : loss, gradient);
  }

  /** The cross-entropy of a row. */
  static double crossEntropy(double[] z, int label) {
    return logSoftmax(z, BigDecimal.ONE)[label].negate().doubleValue();
  }

  /** Returns s - onehot(y). */
  static double[] crossEntropyGradient(double[] z, int label) {
    BigDecimal[] logS = logSoftmax(z, BigDecimal.ONE);
    double[] gradient = new double[z.length];
    for (int c = 0; c < z.length; c++) {
      BigDecimal onehot = c == label ? BigDecimal.ONE : BigDecimal.ZERO;
      gradient[c] = exp(logS[c]).subtract(onehot, DIGITS).doubleValue();
    }
    return gradient;
  }

  /** Returns the logarithms; null where it is -infinity. */
  private static BigDecimal[] logSoftmax(double[] logits, BigDecimal temperature) {
    BigDecimal[] scaled = new BigDecimal[logits.length];
    BigDecimal max = null;
    for (int c = 0; c < logits.length; c++) {
      if (logits[c] != Double.NEGATIVE_INFINITY) {
        scaled[c] = new BigDecimal(logits[c]).divide(temperature, DIGITS);
        max = max == null ? scaled[c] : max.max(scaled[c]);
      }
    }
    BigDecimal sum = BigDecimal.ZERO;
    for (int c = 0; c < logits.length; c++) {
      if (scaled[c] != null) {
        scaled[c] = scaled[c].subtract(max, DIGITS);
        sum = sum.add(exp(scaled[c]), DIGITS);
      }
    }
    BigDecimal logSum = log(sum);
    for (int c = 0; c < logits.length; c++) {
      scaled[c] = scaled[c] == null ? null : scaled[c].subtract(logSum, DIGITS);
    }
    return scaled;
  }

  /** exp by halving the argument below 2^-10, the series, and squaring back; 0 of null. */
  private static BigDecimal exp(BigDecimal x) {
    if (x == null) {
      return BigDecimal.ZERO;
    }
    int halvings = Math.max(0, Math.getExponent(x.doubleValue()) + 11);
    // Each squaring doubles the relative error; the spare digits pay for up to 40 of them.
    MathContext spare = new MathContext(DIGITS.getPrecision() + 20);
    BigDecimal small = x.divide(BigDecimal.TWO.pow(halvings), spare);
    BigDecimal term = BigDecimal.ONE;
    BigDecimal sum = BigDecimal.ONE;
    for (int k = 1; k <= 40; k++) { // (2^-10)^40/40! is below 1e-160
      term = term.multiply(small, spare).divide(BigDecimal.valueOf(k), spare);
      sum = sum.add(term, spare);
    }
    for (int k = 0; k < halvings; k++) {
      sum = sum.multiply(sum, spare);
    }
    return sum.round(DIGITS);
  }

  /** log of a number from 1 to the number of classes, by Halley's iteration from the double's. */
  private static BigDecimal log(BigDecimal x) {
    BigDecimal y = new BigDecimal(Math.log(x.doubleValue()));
    for (int k = 0; k < 3; k++) { // each triples the 16 digits of the start
      BigDecimal e = exp(y);
      BigDecimal step = x.subtract(e, DIGITS).divide(x.add(e, DIGITS), DIGITS);
      y = y.add(step.multiply(BigDecimal.TWO, DIGITS), DIGITS);
    }
    return y;
  }
}
