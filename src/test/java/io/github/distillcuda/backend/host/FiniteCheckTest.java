package io.github.distillcuda.backend.host;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FiniteCheckTest {
  @ParameterizedTest(name = "{0} floats")
  @ValueSource(ints = {1, 2, 15, 16, 17, 63, 100})
  void findsOneBadFloatWhereverItIs(int count) {
    int[] bits = new int[count + 1];
    for (int i = 0; i < count; i++) {
      bits[i] = Float.floatToRawIntBits(i % 2 == 0 ? Float.MAX_VALUE : -Float.MIN_VALUE);
    }
    bits[count] = Float.floatToRawIntBits(Float.NaN); // behind the count
    assertThat(FiniteCheck.allFinite(bits, count)).isTrue();
    float[] bad = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
    for (int i = 0; i < count; i++) {
      int good = bits[i];
      for (float value : bad) {
        bits[i] = Float.floatToRawIntBits(value);
        assertThat(FiniteCheck.allFinite(bits, count)).isFalse();
      }
      bits[i] = 0xff800001; // a signalling NaN with its sign set
      assertThat(FiniteCheck.allFinite(bits, count)).isFalse();
      bits[i] = good;
    }
  }
}
