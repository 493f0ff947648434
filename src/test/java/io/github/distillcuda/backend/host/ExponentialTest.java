package io.github.distillcuda.backend.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Against 90 digits. */
class ExponentialTest {
  private static double[] exp(double... x) {
    double[] result = x.clone();
    Exponential.apply(result, new double[x.length], 0, x.length);
    return result;
  }

  private static double ulps(double computed, BigDecimal exact) {
    double error = new BigDecimal(computed).subtract(exact).abs().doubleValue();
    return error / Math.ulp(exact.doubleValue());
  }

  @Test
  void isWithinItsBoundWhereverTheResultIsNormal() {
    SplittableRandom random = new SplittableRandom(1);
    double[] x = new double[6_000];
    for (int i = 0; i < x.length; i++) {
      // Some of every size: down to 2^-1022, around the middle between two powers of two, near 0.
      double halfPowers = (2 * random.nextInt(1000) + 1) * Exponential.NEAR;
      x[i] =
          switch (i % 3) {
            case 0 -> -708.3 * random.nextDouble();
            case 1 -> -halfPowers + (random.nextDouble() - 0.5) * 1e-9;
            default -> -Math.scalb(random.nextDouble(), -random.nextInt(60));
          };
    }
    double[] result = exp(x);
    double worst = 0;
    for (int i = 0; i < x.length; i++) {
      worst = Math.max(worst, ulps(result[i], ExactDistillation.exp(new BigDecimal(x[i]))));
    }
    assertThat(worst).isLessThan(1);
  }

  @Test
  void isWithinItsBoundAboveOne() {
    double[] x = new SplittableRandom(2).doubles(1_000, 0, 709).toArray();
    double[] result = exp(x);
    for (int i = 0; i < x.length; i++) {
      assertThat(ulps(result[i], ExactDistillation.exp(new BigDecimal(x[i])))).isLessThan(1);
    }
  }

  @Test
  void endsInZeroBelowTheNormalNumbers() {
    double[] x = new SplittableRandom(3).doubles(1_000, -746, -708).toArray();
    double[] result = exp(x);
    double limit = 0.7072 * Double.MIN_NORMAL; // 2^-1022.5, rounded up
    for (int i = 0; i < x.length; i++) {
      BigDecimal exact = ExactDistillation.exp(new BigDecimal(x[i]));
      if (exact.doubleValue() > limit) {
        double bound = Math.ulp(exact.doubleValue()) + Double.MIN_VALUE / 2;
        assertThat(new BigDecimal(result[i]).subtract(exact).abs().doubleValue())
            .isLessThanOrEqualTo(bound);
      } else {
        assertThat(result[i]).isBetween(0.0, limit);
      }
    }
    assertThat(exp(-709.1, -746, -1e10, -Double.MAX_VALUE, Double.NEGATIVE_INFINITY))
        .containsOnly(0.0);
  }

  @Test
  void specialValues() {
    assertThat(exp(0.0, -0.0, -Double.MIN_VALUE, Double.MIN_VALUE)).containsOnly(1.0);
    assertThat(exp(Double.NaN)[0]).isNaN();
  }

  /** A vector and what is left over must give the same, wherever an element lies. */
  @Test
  void anElementDoesNotDependOnItsPlaceNorOnItsNeighbours() {
    double[] x = new SplittableRandom(4).doubles(1_000, -800, 1).toArray();
    double[] alone = Arrays.stream(x).map(element -> exp(element)[0]).toArray();
    double[] scratch = new double[x.length];
    for (int repeat = 0; repeat < 2_000; repeat++) { // until it is compiled
      double[] part = x.clone();
      int from = repeat % 37;
      int to = x.length - repeat % 41;
      Exponential.apply(part, scratch, from, to);
      for (int i = 0; i < x.length; i++) {
        assertThat(part[i] == (i >= from && i < to ? alone[i] : x[i])).isTrue();
      }
    }
  }

  @Test
  void theSeriesIsWithinItsBound() {
    double[] x = new SplittableRandom(5).doubles(2_000, -1, 1).toArray();
    for (int i = 0; i < x.length; i++) {
      x[i] = i < 2 ? x[i] / Math.abs(x[i]) : x[i] * Math.scalb(1, -(i % 20));
      BigDecimal exact = new BigDecimal(x[i] * Exponential.NEAR);
      BigDecimal s =
          ExactDistillation.exp(exact)
              .subtract(BigDecimal.ONE)
              .subtract(exact)
              .divide(exact.pow(2), MathContext.DECIMAL128);
      assertThat(ulps(Exponential.series(exact.doubleValue()), s)).isLessThan(1);
    }
    assertThat(Exponential.series(0)).isEqualTo(0.5);
  }
}
