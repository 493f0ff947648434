package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.ptx.PtxType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Arguments at which arithmetic tends to go wrong, and some random ones, as raw bits. */
final class InterestingValues {
  private static final long SEED = 42;
  private static final int MOST_COMBINATIONS = 3000;

  private static final float[] FLOATS = {
    0f,
    -0f,
    Float.MIN_VALUE,
    -Float.MIN_VALUE,
    0x0.fffffep-126f, // the largest subnormal
    Float.MIN_NORMAL,
    -Float.MIN_NORMAL,
    0x1.8p-140f,
    1f,
    -1f,
    0x1.fffffcp-1f, // by the smallest normal but one: just below 2^-126, and rounds to it
    0x1.fffffep-1f, // just below 1
    0x1.000002p-126f,
    0x1.000002p0f, // just above 1
    0.5f,
    1.5f,
    -2.5f,
    3f,
    0.1f,
    255.5f,
    -256.5f,
    65535.75f,
    0x1p24f,
    0x1.000002p24f,
    0x1p31f,
    -0x1p31f,
    0x1.fffffep31f,
    0x1p32f,
    0x1p63f,
    0x1p64f,
    1e30f,
    -1e-30f,
    0x1p126f,
    0x1.8p126f,
    Float.MAX_VALUE,
    -Float.MAX_VALUE,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    Float.NaN
  };

  private static final long[] INTEGERS = {
    0,
    1,
    2,
    3,
    5,
    7,
    8,
    31,
    32,
    33,
    63,
    64,
    65,
    100,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    0x7fffffffL,
    0x80000000L,
    0xffffffffL,
    0x100000000L,
    0x0123456789abcdefL,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    -1,
    -2,
    -3,
    -7,
    -128,
    -129,
    -32768,
    -32769,
    0xdeadbeefL,
    0x00ffff0000ffff00L,
    0x1000001L,
    (1L << 53) + 1,
    -(1L << 53) - 1
  };

  private InterestingValues() {}

  static long[] of(PtxType type) {
    Random random = new Random(SEED + type.ordinal());
    return switch (type) {
      case PRED -> new long[] {0, 1};
      case F32 -> floats(random);
      case F64 -> doubles(random);
      case F16, BF16 -> random.longs(200, 0, 0x10000).toArray();
      default -> integers(type.bytes(), random);
    };
  }

  private static long[] floats(Random random) {
    long[] values = new long[FLOATS.length + 12];
    for (int i = 0; i < values.length; i++) {
      float value =
          i < FLOATS.length ? FLOATS[i] : (float) random.nextGaussian() * (1 << random.nextInt(20));
      values[i] = Integer.toUnsignedLong(Float.floatToRawIntBits(value));
    }
    return values;
  }

  /** The floats' values, and some that no float can hold. */
  private static long[] doubles(Random random) {
    double[] special = {
      Double.MIN_VALUE,
      -Double.MIN_NORMAL,
      Double.MAX_VALUE,
      Math.PI,
      0x1p-1070,
      0x1.00000001p0,
      0x1.fffffeffffffp127,
      0x1.0000010000000p0,
      0x1.0000030000000p0,
      0x1.8p-150,
      1e300,
      -1e-300
    };
    long[] values = new long[FLOATS.length + special.length + 12];
    for (int i = 0; i < values.length; i++) {
      double value;
      if (i < FLOATS.length) {
        value = FLOATS[i];
      } else if (i < FLOATS.length + special.length) {
        value = special[i - FLOATS.length];
      } else {
        value = random.nextGaussian() * (1L << random.nextInt(40));
      }
      values[i] = Double.doubleToRawLongBits(value);
    }
    return values;
  }

  private static long[] integers(int bytes, Random random) {
    long mask = bytes == Long.BYTES ? -1 : (1L << 8 * bytes) - 1;
    List<Long> values = new ArrayList<>();
    for (long value : INTEGERS) {
      values.add(value & mask);
    }
    random.longs(8).forEach(value -> values.add(value & mask));
    return values.stream().distinct().mapToLong(Long::longValue).toArray();
  }

  /** All combinations, or a random choice among them where they are too many. */
  static List<long[]> combinations(List<PtxType> types) {
    long[][] values = new long[types.size()][];
    long count = 1;
    for (int i = 0; i < values.length; i++) {
      values[i] = of(types.get(i));
      count *= values[i].length;
    }
    Random random = new Random(SEED);
    List<long[]> combinations = new ArrayList<>();
    for (int n = 0; n < Math.min(count, MOST_COMBINATIONS); n++) {
      long[] one = new long[values.length];
      long digits = count <= MOST_COMBINATIONS ? n : random.nextLong(count);
      for (int i = 0; i < one.length; i++) {
        one[i] = values[i][(int) (digits % values[i].length)];
        digits /= values[i].length;
      }
      combinations.add(one);
    }
    return combinations;
  }

  /** As {@link #combinations}, without those whose argument at {@code index} is zero. */
  static List<long[]> combinationsWithoutZero(List<PtxType> types, int index) {
    return combinations(types).stream().filter(arguments -> arguments[index] != 0).toList();
  }

  /** One argument at a time. */
  static List<long[]> single(long... values) {
    return Arrays.stream(values).mapToObj(value -> new long[] {value}).toList();
  }
}
