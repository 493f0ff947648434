package io.github.distillcuda.backend.host;

import java.math.BigDecimal;
import java.math.MathContext;

/**
 * The distillation loss of one row straight from its formulas, in 90 decimal digits: no form that
 * avoids cancellation is needed, and none is used, so that nothing is shared with the code on
 * trial.
 *
 * <p>Logits must be finite, or -infinity in the teacher alone (the limit q = 0, 0 log 0 = 0).
 */
final class ExactDistillation {
  private static final MathContext DIGITS = new MathContext(90);

  private ExactDistillation() {}

  /** Returns sum q * (log q - log p), times T^2. */
  static double distillation(float[] z, float[] v, double temperature) {
    BigDecimal[] logP = logSoftmax(z, temperature);
    BigDecimal[] logQ = logSoftmax(v, temperature);
    BigDecimal sum = BigDecimal.ZERO;
    for (int i = 0; i < z.length; i++) {
      if (logQ[i] != null) {
        sum = sum.add(exp(logQ[i]).multiply(logQ[i].subtract(logP[i]), DIGITS), DIGITS);
      }
    }
    BigDecimal exactTemperature = new BigDecimal(temperature);
    return sum.multiply(exactTemperature.pow(2), DIGITS).doubleValue();
  }

  /** Returns T * (p - q). */
  static double[] distillationGradient(float[] z, float[] v, double temperature) {
    BigDecimal[] logP = logSoftmax(z, temperature);
    BigDecimal[] logQ = logSoftmax(v, temperature);
    double[] gradient = new double[z.length];
    for (int i = 0; i < z.length; i++) {
      BigDecimal q = logQ[i] == null ? BigDecimal.ZERO : exp(logQ[i]);
      gradient[i] =
          exp(logP[i])
              .subtract(q, DIGITS)
              .multiply(new BigDecimal(temperature), DIGITS)
              .doubleValue();
    }
    return gradient;
  }

  /** Returns -log softmax(z) at the label. */
  static double crossEntropy(float[] z, int label) {
    return logSoftmax(z, 1)[label].negate().doubleValue();
  }

  /** Returns softmax(z) - onehot(label). */
  static double[] crossEntropyGradient(float[] z, int label) {
    BigDecimal[] logS = logSoftmax(z, 1);
    double[] gradient = new double[z.length];
    for (int i = 0; i < z.length; i++) {
      BigDecimal oneHot = i == label ? BigDecimal.ONE : BigDecimal.ZERO;
      gradient[i] = exp(logS[i]).subtract(oneHot, DIGITS).doubleValue();
    }
    return gradient;
  }

  /** Returns log softmax(x/T); null where x is -infinity. */
  private static BigDecimal[] logSoftmax(float[] x, double temperature) {
    BigDecimal[] scaled = new BigDecimal[x.length];
    BigDecimal largest = null;
    for (int i = 0; i < x.length; i++) {
      if (x[i] != Float.NEGATIVE_INFINITY) {
        scaled[i] = new BigDecimal(x[i]).divide(new BigDecimal(temperature), DIGITS);
        largest = largest == null ? scaled[i] : largest.max(scaled[i]);
      }
    }
    BigDecimal sum = BigDecimal.ZERO;
    for (BigDecimal value : scaled) {
      if (value != null) {
        sum = sum.add(exp(value.subtract(largest)), DIGITS);
      }
    }
    BigDecimal logSum = largest.add(log(sum), DIGITS);
    for (int i = 0; i < x.length; i++) {
      scaled[i] = scaled[i] == null ? null : scaled[i].subtract(logSum, DIGITS);
    }
    return scaled;
  }

  /** Taylor's series of x/2^k, squared k times. */
  static BigDecimal exp(BigDecimal x) {
    int halvings = 0;
    BigDecimal small = x;
    while (small.abs().compareTo(new BigDecimal("0.01")) > 0) {
      small = small.divide(BigDecimal.TWO, DIGITS);
      halvings++;
    }
    BigDecimal sum = BigDecimal.ONE;
    BigDecimal term = BigDecimal.ONE;
    // 0.01^34/34! is below 1e-106.
    for (int k = 1; k < 34; k++) {
      term = term.multiply(small, DIGITS).divide(BigDecimal.valueOf(k), DIGITS);
      sum = sum.add(term, DIGITS);
    }
    for (int k = 0; k < halvings; k++) {
      sum = sum.multiply(sum, DIGITS);
    }
    return sum;
  }

  /** Newton's method on exp, from the double result: 16, 32, 64, 128 digits. */
  private static BigDecimal log(BigDecimal x) {
    BigDecimal y = new BigDecimal(Math.log(x.doubleValue()));
    for (int i = 0; i < 3; i++) {
      y = y.add(x.divide(exp(y), DIGITS), DIGITS).subtract(BigDecimal.ONE, DIGITS);
    }
    return y;
  }
}
