package io.github.distillcuda.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A number that changed would change the initial weights and orders of every seed. */
class SplitMix64Test {
  /** The first outputs of the published C code for seed 1234567. */
  @Test
  void drawsThePublishedNumbers() {
    SplitMix64 random = new SplitMix64(1234567);
    assertThat(new long[] {random.nextLong(), random.nextLong(), random.nextLong()})
        .containsExactly(6457827717110365317L, 3203168211198807973L, -8629252141511181193L);
  }

  /** From an implementation in Python's whole numbers. */
  @Test
  void drawsThePinnedFractions() {
    SplitMix64 random = new SplitMix64(42);
    assertThat(new double[] {random.nextDouble(), random.nextDouble(), random.nextDouble()})
        .containsExactly(0.7415648787718233, 0.1599103928769201, 0.27860113025513866);
    SplitMix64 again = new SplitMix64(42);
    assertThat(new float[] {again.nextFloat(), again.nextFloat(), again.nextFloat()})
        .containsExactly(0.7415648698806763f, 0.1599103808403015f, 0.27860110998153687f);
  }

  /** This JDK's generator is the same algorithm, written by others; no later one need be. */
  @ParameterizedTest
  @ValueSource(longs = {0, 1, -1, 42, Long.MIN_VALUE})
  void agreesWithTheJdk(long seed) {
    SplitMix64 ours = new SplitMix64(seed);
    SplittableRandom theirs = new SplittableRandom(seed);
    for (int i = 0; i < 1000; i++) {
      assertThat(ours.nextLong()).isEqualTo(theirs.nextLong());
      assertThat(ours.nextDouble()).isEqualTo(theirs.nextDouble());
    }
  }

  /** A bound just above 2^31 halves the range so unevenly that a biased draw shows at once. */
  @Test
  void boundedDrawIsUnbiased() {
    SplitMix64 random = new SplitMix64(5);
    int bound = 3 << 29; // 2^32 = 2 2/3 bounds: a plain modulo would favour the lower two thirds
    int low = 0;
    for (int i = 0; i < 30_000; i++) {
      int drawn = random.nextInt(bound);
      assertThat(drawn).isBetween(0, bound - 1);
      low += drawn % 3 == 0 ? 1 : 0;
    }
    // 10,000 expected, standard deviation 82: five of them
    assertThat(low).isBetween(9_590, 10_410);
  }
}
