package io.github.distillcuda.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.tensor.DType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FloatBytesTest {
  @ParameterizedTest
  @CsvSource({"FLOAT16, 5, 10", "BFLOAT16, 8, 7"})
  void decodesEveryPatternOf16Bits(DType type, int exponentBits, int fractionBits) {
    ByteBuffer bytes = ByteBuffer.allocate(2 << 16).order(ByteOrder.LITTLE_ENDIAN);
    for (int pattern = 0; pattern < 1 << 16; pattern++) {
      bytes.putShort((short) pattern);
    }
    float[] decoded = FloatBytes.decode(bytes.flip(), type, 1 << 16);
    for (int pattern = 0; pattern < 1 << 16; pattern++) {
      double expected = byDefinition(pattern, exponentBits, fractionBits);
      // Every 16-bit value is a float32 value, so nothing may differ, not even the sign of zero.
      assertThat(Double.compare(decoded[pattern], expected)).as("pattern %x", pattern).isZero();
    }
  }

  /** The value that IEEE 754 gives a pattern, from powers of two. */
  private static double byDefinition(int pattern, int exponentBits, int fractionBits) {
    double sign = pattern >> 15 == 0 ? 1 : -1;
    int exponent = pattern >> fractionBits & (1 << exponentBits) - 1;
    double fraction = (pattern & (1 << fractionBits) - 1) / (double) (1 << fractionBits);
    int bias = (1 << exponentBits - 1) - 1;
    if (exponent == (1 << exponentBits) - 1) {
      return fraction == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
    }
    return exponent == 0
        ? sign * fraction * Math.pow(2, 1 - bias)
        : sign * (1 + fraction) * Math.pow(2, exponent - bias);
  }

  @Test
  void roundsFloat64ToNearestEven() {
    double[] wide = {
      0x1p0 + 0x1p-24, 0x1p0 + 0x1p-24 + 0x1p-52, 0x1p0 + 0x3p-24, 1e300, -1e300, 1e-320, -0.0
    };
    float[] narrow = {
      0x1p0f,
      0x1.000002p0f,
      0x1.000004p0f,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      0f,
      -0f
    };
    ByteBuffer bytes = ByteBuffer.allocate(8 * wide.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asDoubleBuffer().put(wide);
    assertThat(FloatBytes.decode(bytes, DType.FLOAT64, wide.length)).isEqualTo(narrow);
  }

  @Test
  void writesLittleEndianFloatsOfAnyCount() throws IOException {
    // One more than three chunks, so that a last partial one is written.
    float[] values = new float[3 * (1 << 14) + 1];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.intBitsToFloat(i * 0x9E3779B1);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    FloatBytes.write(values, out);
    byte[] bytes = out.toByteArray();
    assertThat(bytes).hasSize(4 * values.length);
    for (int i = 0; i < values.length; i++) {
      int bits = 0;
      for (int b = 3; b >= 0; b--) {
        bits = bits << 8 | bytes[4 * i + b] & 0xff;
      }
      assertThat(bits).isEqualTo(i * 0x9E3779B1);
    }
  }

  @Test
  void writesNothingForNoElements() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    FloatBytes.write(new float[0], out);
    assertThat(out.size()).isZero();
  }
}
