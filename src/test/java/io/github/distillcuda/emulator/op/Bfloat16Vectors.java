package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.ptx.PtxType.B32;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Arithmetic on pairs of bfloat16 against BigDecimal. */
final class Bfloat16Vectors {
  private static final int[] VALUES = {
    0x0000, 0x8000, 0x0001, 0x8001, 0x007f, 0x0080, 0x3f80, 0xbf80, 0x3f81, 0x3f01, 0x4049, 0xc2f7,
    0x3b80, 0x2f01, 0x7f7f, 0xff7f, 0x7f80, 0xff80, 0x7fff, 0xffc1
  };

  private Bfloat16Vectors() {}

  private interface Half {
    int of(int[] halves);
  }

  static List<VectorCase> all() {
    return List.of(
        of("max.bf16x2", 2, Bfloat16Vectors::max), of("fma.rn.bf16x2", 3, Bfloat16Vectors::fma));
  }

  /** Every combination in the high half, with another one in the low half. */
  private static VectorCase of(String mnemonic, int operands, Half half) {
    int combinations = (int) Math.pow(VALUES.length, operands);
    List<long[]> arguments = new ArrayList<>();
    for (int i = 0; i < combinations; i++) {
      long[] words = new long[operands];
      int other = (i + combinations / 3) % combinations;
      for (int k = 0, high = i, low = other; k < operands; k++) {
        words[k] = (long) VALUES[high % VALUES.length] << 16 | VALUES[low % VALUES.length];
        high /= VALUES.length;
        low /= VALUES.length;
      }
      arguments.add(words);
    }
    return new VectorCase(
        mnemonic,
        B32,
        Collections.nCopies(operands, B32),
        "",
        arguments,
        words -> (long) half.of(halves(words, 16)) << 16 | half.of(halves(words, 0)));
  }

  private static int[] halves(long[] words, int shift) {
    int[] halves = new int[words.length];
    for (int i = 0; i < words.length; i++) {
      halves[i] = (int) (words[i] >> shift) & 0xffff;
    }
    return halves;
  }

  private static float value(int bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  private static int max(int[] v) {
    float a = value(v[0]);
    float b = value(v[1]);
    if (a != a || b != b) {
      return a == a ? v[0] : b == b ? v[1] : 0x7fff;
    }
    return a > b || (a == b && v[0] < v[1]) ? v[0] : v[1]; // +0 has the smaller bits
  }

  private static int fma(int[] v) {
    double a = value(v[0]);
    double b = value(v[1]);
    double c = value(v[2]);
    double inDouble = a * b + c;
    if (!Double.isFinite(inDouble)) {
      return inDouble != inDouble ? 0x7fff : inDouble > 0 ? 0x7f80 : 0xff80;
    }
    BigDecimal exact = new BigDecimal(a).multiply(new BigDecimal(b)).add(new BigDecimal(c));
    double rounded =
        exact.signum() == 0 ? inDouble : IeeeRounding.BFLOAT16.round(exact, RoundingMode.HALF_EVEN);
    return Float.floatToRawIntBits((float) rounded) >>> 16;
  }
}
