package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.ptx.PtxType.B32;
import static io.github.distillcuda.emulator.ptx.PtxType.BF16;
import static io.github.distillcuda.emulator.ptx.PtxType.F16;
import static io.github.distillcuda.emulator.ptx.PtxType.F32;
import static io.github.distillcuda.emulator.ptx.PtxType.F64;

import io.github.distillcuda.emulator.ptx.PtxType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Conversions against exact numbers. */
final class ConvertVectors {
  private static final List<PtxType> INTEGERS =
      List.of(
          PtxType.U8,
          PtxType.S8,
          PtxType.U16,
          PtxType.S16,
          PtxType.U32,
          PtxType.S32,
          PtxType.U64,
          PtxType.S64);

  private static final Map<String, RoundingMode> TO_WHOLE =
      Map.of(
          "rni", RoundingMode.HALF_EVEN,
          "rzi", RoundingMode.DOWN,
          "rmi", RoundingMode.FLOOR,
          "rpi", RoundingMode.CEILING);

  private final List<VectorCase> cases = new ArrayList<>();

  private ConvertVectors() {}

  private interface FloatFunction {
    double of(double value);
  }

  static List<VectorCase> all() {
    ConvertVectors vectors = new ConvertVectors();
    for (PtxType integer : INTEGERS) {
      vectors.addFromInteger(integer, integer);
      vectors.addFromInteger(integer, PtxType.B64); // its low bits, in a wider register
    }
    TO_WHOLE.forEach(vectors::addToWhole);
    vectors.addBetweenFloats();
    vectors.addHalfPrecision();
    return vectors.cases;
  }

  private void addFromInteger(PtxType from, PtxType register) {
    for (PtxType to : INTEGERS) {
      if (to != from) {
        cases.add(
            VectorCase.of(
                "cvt." + to.suffix() + "." + from.suffix(),
                registerOf(to),
                List.of(register),
                v -> {
                  BigInteger value = IntegerVectors.value(from, v[0]);
                  BigInteger wrapped = IntegerVectors.value(to, IntegerVectors.bits(to, value));
                  return wrapped.longValue();
                }));
      }
    }
    for (PtxType to : List.of(F32, F64)) {
      cases.add(
          VectorCase.of(
              "cvt.rn." + to.suffix() + "." + from.suffix(),
              to,
              List.of(register),
              v -> bits(to, rounded(to, new BigDecimal(IntegerVectors.value(from, v[0]))))));
    }
  }

  /** A byte lives in a 16-bit register, extended by its sign. */
  private static PtxType registerOf(PtxType type) {
    return type.bytes() > 1 ? type : PtxType.B16;
  }

  private void addToWhole(String suffix, RoundingMode mode) {
    FloatFunction whole = value -> whole(value, mode);
    String cvt = "cvt." + suffix;
    addFloat(cvt + ".f32.f32", F32, F32, whole);
    addFloat(cvt + ".ftz.f32.f32", F32, F32, value -> whole.of(FloatVectors.flush(value)));
    addFloat(cvt + ".f64.f64", F64, F64, whole);
    for (PtxType to : INTEGERS) {
      addToInteger(cvt + "." + to.suffix() + ".f32", to, F32, whole);
      addToInteger(
          cvt + ".ftz." + to.suffix() + ".f32",
          to,
          F32,
          value -> whole.of(FloatVectors.flush(value)));
      addToInteger(cvt + "." + to.suffix() + ".f64", to, F64, whole);
    }
  }

  private static double whole(double value, RoundingMode mode) {
    if (!Double.isFinite(value) || value == 0) {
      return value;
    }
    double whole = new BigDecimal(value).setScale(0, mode).doubleValue();
    return whole == 0 ? Math.copySign(0, value) : whole;
  }

  /**
   * What is too large becomes the largest there is; NaN becomes 0, or where 64 bits are involved
   * the highest bit alone (PTX ISA, cvt).
   */
  private void addToInteger(String mnemonic, PtxType to, PtxType from, FloatFunction whole) {
    int width = 8 * to.bytes();
    boolean signed = to.kind() == PtxType.Kind.SIGNED;
    BigInteger end = BigInteger.ONE.shiftLeft(signed ? width - 1 : width);
    BigInteger least = signed ? end.negate() : BigInteger.ZERO;
    BigInteger most = end.subtract(BigInteger.ONE);
    cases.add(
        VectorCase.of(
            mnemonic,
            registerOf(to),
            List.of(from),
            v -> {
              double value = whole.of(number(from, v[0]));
              if (Double.isNaN(value)) {
                boolean is64 = from == F64 || width == 64;
                return !is64
                    ? 0
                    : (signed ? least : BigInteger.ONE.shiftLeft(width - 1)).longValue();
              }
              if (Double.isInfinite(value)) {
                return (value > 0 ? most : least).longValue();
              }
              BigInteger exact = new BigDecimal(value).toBigInteger();
              return exact.max(least).min(most).longValue();
            }));
  }

  private void addBetweenFloats() {
    addFloat("cvt.f64.f32", F64, F32, value -> value);
    addFloat("cvt.ftz.f64.f32", F64, F32, FloatVectors::flush);
    addFloat("cvt.rn.f32.f64", F32, F64, value -> rounded(F32, value));
    addFloat("cvt.rn.ftz.f32.f64", F32, F64, value -> FloatVectors.flush(rounded(F32, value)));
    addFloat("cvt.ftz.f32.f32", F32, F32, FloatVectors::flush);
    FloatFunction saturated = value -> value > 0 ? Math.min(value, 1) : 0;
    addFloat("cvt.sat.f32.f32", F32, F32, saturated);
    addFloat("cvt.ftz.sat.f32.f32", F32, F32, value -> saturated.of(FloatVectors.flush(value)));
  }

  private void addFloat(String mnemonic, PtxType to, PtxType from, FloatFunction function) {
    cases.add(
        VectorCase.of(mnemonic, to, List.of(from), v -> bits(to, function.of(number(from, v[0])))));
  }

  private void addHalfPrecision() {
    addFloat("cvt.rn.bf16.f32", BF16, F32, value -> rounded(BF16, value));
    addFloat("cvt.rn.f16.f32", F16, F32, value -> rounded(F16, value));
    addFloat("cvt.rna.tf32.f32", F32, F32, ConvertVectors::toTf32);
    addFloat("cvt.f32.bf16", F32, BF16, value -> value);
    addFloat("cvt.f32.f16", F32, F16, value -> value);
    cases.add(
        VectorCase.of(
            "cvt.rn.bf16x2.f32",
            B32,
            List.of(F32, F32),
            v -> {
              long high = bits(BF16, rounded(BF16, number(F32, v[0])));
              long low = bits(BF16, rounded(BF16, number(F32, v[1])));
              return high << 16 | low;
            }));
  }

  private static double toTf32(double value) {
    return Double.isFinite(value) && value != 0
        ? IeeeRounding.TF32.round(new BigDecimal(value), RoundingMode.HALF_UP)
        : value;
  }

  private static double rounded(PtxType to, double value) {
    return Double.isFinite(value) && value != 0 ? rounded(to, new BigDecimal(value)) : value;
  }

  private static double rounded(PtxType to, BigDecimal value) {
    IeeeRounding format =
        switch (to) {
          case F32 -> IeeeRounding.FLOAT;
          case F64 -> IeeeRounding.DOUBLE;
          case BF16 -> IeeeRounding.BFLOAT16;
          case F16 -> IeeeRounding.FLOAT16;
          default -> throw new IllegalArgumentException(to.toString());
        };
    return value.signum() == 0 ? 0 : format.round(value, RoundingMode.HALF_EVEN);
  }

  /** The number that the bits of a float type stand for. */
  private static double number(PtxType type, long bits) {
    return switch (type) {
      case F32 -> Float.intBitsToFloat((int) bits);
      case F64 -> Double.longBitsToDouble(bits);
      case BF16 -> Float.intBitsToFloat((int) bits << 16);
      case F16 -> half(bits);
      default -> throw new IllegalArgumentException(type.toString());
    };
  }

  private static double half(long bits) {
    int exponent = (int) (bits >> 10) & 31;
    long fraction = bits & 0x3ff;
    double magnitude;
    if (exponent == 31) {
      magnitude = fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
    } else if (exponent == 0) {
      magnitude = Math.scalb((double) fraction, -24);
    } else {
      magnitude = Math.scalb(1024.0 + fraction, exponent - 25);
    }
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
  }

  /** The bits of a number that the type holds exactly. */
  private static long bits(PtxType type, double value) {
    return switch (type) {
      case F32 -> Float.floatToRawIntBits((float) value);
      case F64 -> Double.doubleToRawLongBits(value);
      case BF16 -> Double.isNaN(value) ? 0x7fff : Float.floatToRawIntBits((float) value) >>> 16;
      case F16 -> halfBits(value);
      default -> throw new IllegalArgumentException(type.toString());
    };
  }

  private static long halfBits(double value) {
    for (long bits = 0; bits < 0x10000; bits++) { // all there are
      if (Double.doubleToRawLongBits(half(bits)) == Double.doubleToRawLongBits(value)) {
        return bits;
      }
    }
    return 0x7fff; // NaN
  }
}
