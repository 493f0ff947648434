package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.RoundingKernels;
import io.github.distillcuda.emulator.memory.HostBytes;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** Between float32 and bfloat16, to the bit. */
final class RoundingCases {
  private static final double TIE = 1 + 0x1p-8;
  private static final float[] SPECIAL = {
    0,
    -0f,
    Float.NaN,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    Float.MAX_VALUE, // rounds to infinity
    0x1.fefp127f, // rounds to infinity by a hair less
    0x1.fep127f, // the largest bfloat16
    Float.MIN_VALUE,
    0x1p-133f, // the smallest bfloat16
    0x1p-134f, // half of it: to even, 0
    0x1.8p-133f,
    (float) TIE,
    (float) (TIE + 0x1p-7),
    (float) -TIE,
    (float) (TIE + 0x1p-23),
    (float) (TIE - 0x1p-23)
  };

  private RoundingCases() {}

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    for (int n : new int[] {4, 20, 1020, 1024, 1028}) {
      cases.add(round(n));
      cases.add(widen(n));
    }
    cases.add(channelsLast(1, 1, 1));
    cases.add(channelsLast(3, 5, 7));
    cases.add(channelsLast(2, 3, 64));
    cases.add(channelsLast(4, 10, 1));
    return cases;
  }

  static Stream<KernelCase> counted() {
    return Stream.of(round(65_536), widen(65_536), channelsLast(64, 3, 1024));
  }

  private static KernelCase round(int n) {
    float[] x = numbers(n);
    return new KernelCase(RoundingKernels.ROUND, KernelSizes.of("n", n), "")
        .in("x", x)
        .out("y", rounded(x));
  }

  private static KernelCase channelsLast(int rows, int channels, int pixels) {
    float[] x = numbers(rows * channels * pixels);
    float[] y = new float[x.length];
    int next = 0;
    for (int row = 0; row < rows; row++) {
      for (int pixel = 0; pixel < pixels; pixel++) {
        for (int channel = 0; channel < channels; channel++) {
          y[next++] = x[(row * channels + channel) * pixels + pixel];
        }
      }
    }
    KernelSizes sizes = KernelSizes.of("rows", rows, "channels", channels).and("pixels", pixels);
    return new KernelCase(RoundingKernels.ROUND_CHANNELS_LAST, sizes, "")
        .in("x", x)
        .out("y", rounded(y));
  }

  private static KernelCase widen(int n) {
    float[] values = numbers(n);
    for (int i = 0; i < n; i++) {
      values[i] = Float.intBitsToFloat(Float.floatToIntBits(values[i]) & 0xffff0000);
    }
    KernelSignature kernel = RoundingKernels.WIDEN;
    return new KernelCase(kernel, KernelSizes.of("n", n), "")
        .in("x", HostBytes.ofBfloat16(values))
        .out("y", Expected.floats(values));
  }

  private static float[] numbers(int n) {
    Random random = new Random(n);
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = i < SPECIAL.length ? SPECIAL[i] : (float) random.nextGaussian();
    }
    return x;
  }

  private static Expected rounded(float[] x) {
    double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = nearestBfloat16(x[i]);
    }
    return Expected.nearInBfloat16(y, new double[y.length]);
  }

  /** By comparing distances in exact decimals, with no use of how either type is stored. */
  private static double nearestBfloat16(float x) {
    if (!Float.isFinite(x) || x == 0) {
      return x;
    }
    int exponent = Math.max(Math.getExponent(x), Float.MIN_EXPONENT);
    double unit = Math.scalb(1.0, exponent - 7);
    double below = Math.floor(x / unit) * unit;
    BigDecimal toBelow = new BigDecimal(x).subtract(new BigDecimal(below));
    BigDecimal toAbove = new BigDecimal(below + unit).subtract(new BigDecimal(x));
    int order = toBelow.compareTo(toAbove);
    boolean isEven = below / unit % 2 == 0;
    double nearest = order < 0 || order == 0 && isEven ? below : below + unit;
    // What rounds to 2^128 is no float.
    return Math.abs(nearest) >= 0x1p128 ? Math.copySign(Double.POSITIVE_INFINITY, x) : nearest;
  }
}
