package io.github.distillcuda.backend.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.distillcuda.backend.AdamSpec;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AdamBlocksTest {
  private static final double RATE = 1e-3;
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final double EPSILON = 1e-8;

  @ParameterizedTest(name = "step {0}")
  @ValueSource(longs = {1, 2, 10, 1000, 7820})
  void followsTheFormulasInDoubleWithinTheRoundingOfFloat(long step) {
    Random random = new Random(step);
    int count = 1000;
    float[] p = new float[count];
    float[] g = new float[count];
    float[] m = new float[count];
    float[] v = new float[count];
    for (int i = 0; i < count; i++) {
      // Gradients over sixteen decades: epsilon rules at one end, nothing overflows at the other.
      float scale = (float) Math.pow(10, random.nextInt(16) - 12);
      p[i] = (float) random.nextGaussian();
      g[i] = scale * (float) random.nextGaussian();
      m[i] = step == 1 ? 0 : scale * (float) random.nextGaussian();
      v[i] = step == 1 ? 0 : scale * scale * random.nextFloat();
    }
    float[] newP = p.clone();
    float[] newM = m.clone();
    float[] newV = v.clone();
    AdamBlocks adam = new AdamBlocks(AdamSpec.withLearningRate(RATE));
    adam.beginStep(step);
    adam.update(newP, g, newM, newV, count);
    for (int i = 0; i < count; i++) {
      double exactM = BETA1 * m[i] + (1 - BETA1) * g[i];
      double exactV = BETA2 * v[i] + (1 - BETA2) * g[i] * g[i];
      double correctedM = exactM / (1 - Math.pow(BETA1, step));
      double correctedV = exactV / (1 - Math.pow(BETA2, step));
      double exactP = p[i] - RATE * correctedM / (Math.sqrt(correctedV) + EPSILON);
      // Four roundings of the largest intermediate; a square below float's range loses digits.
      double largest = Math.max(Math.abs(m[i]), Math.abs(g[i]));
      assertThat((double) newM[i]).isCloseTo(exactM, within(4 * 0x1p-24 * largest));
      double largestSquare = Math.max(v[i], (double) g[i] * g[i]);
      assertThat((double) newV[i])
          .isCloseTo(exactV, within(4 * 0x1p-24 * largestSquare + Float.MIN_NORMAL));
      // Two units of p for the subtraction, and the roundings of an update of at most a few rates.
      assertThat((double) newP[i]).isCloseTo(exactP, within(2 * Math.ulp(p[i]) + 1e-5 * RATE));
    }
  }

  @ParameterizedTest(name = "{0} of 8 elements")
  @ValueSource(ints = {0, 1, 7})
  void touchesNothingBehindTheCountAndLeavesZerosAlone(int count) {
    float[] p = {1, 2, 3, 4, 5, 6, 7, 8};
    float[] ones = {1, 1, 1, 1, 1, 1, 1, 1};
    float[] m = new float[8];
    float[] v = new float[8];
    AdamBlocks adam = new AdamBlocks(AdamSpec.withLearningRate(RATE));
    adam.beginStep(1);
    adam.update(p, ones, m, v, count);
    for (int i = count; i < 8; i++) {
      assertThat(p[i]).isEqualTo(i + 1);
      assertThat(m[i]).isZero();
      assertThat(v[i]).isZero();
    }
    // Padding of the arena: a zero gradient over zero moments.
    float[] zeros = new float[8];
    adam.update(p, zeros, new float[8], new float[8], 8);
    for (int i = count; i < 8; i++) {
      assertThat(p[i]).isEqualTo(i + 1);
    }
  }
}
