package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.ptx.PtxType.F32;
import static io.github.distillcuda.emulator.ptx.PtxType.F64;

import io.github.distillcuda.emulator.ptx.PtxType;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * Floating-point arithmetic against BigDecimal: the exact result, rounded once. Where an argument
 * or the result is a zero, an infinity or not a number, the rules of IEEE 754 are what Java's own
 * arithmetic on doubles follows.
 */
final class FloatVectors {
  private static final BigDecimal SCALE = BigDecimal.TWO.pow(64);
  private static final BigDecimal TWICE_SMALLEST_NORMAL = new BigDecimal(0x1p-125);

  /** Enough digits that no quotient or root of two floats or doubles comes near a rounding edge. */
  private static final MathContext DIGITS = new MathContext(200);

  private static final Map<String, RoundingMode> ROUNDINGS =
      Map.of(
          "rn", RoundingMode.HALF_EVEN,
          "rz", RoundingMode.DOWN,
          "rm", RoundingMode.FLOOR,
          "rp", RoundingMode.CEILING);

  private final List<VectorCase> cases = new ArrayList<>();

  private FloatVectors() {}

  private interface Exact {
    BigDecimal of(BigDecimal[] values);
  }

  private interface Special {
    double of(double[] values);
  }

  static List<VectorCase> all() {
    FloatVectors vectors = new FloatVectors();
    ROUNDINGS.forEach((suffix, mode) -> vectors.addArithmetic("." + suffix, mode, F32));
    vectors.addArithmetic(".rn", RoundingMode.HALF_EVEN, F64);
    for (PtxType type : List.of(F32, F64)) {
      vectors.addPlainArithmetic(type);
      vectors.addQuotients(type);
      vectors.addSelections(type);
    }
    return vectors.cases;
  }

  private void addArithmetic(String suffix, RoundingMode mode, PtxType type) {
    addSums(suffix, mode, type);
    add(
        "fma" + suffix,
        mode,
        type,
        3,
        v -> v[0].multiply(v[1]).add(v[2]),
        FloatVectors::specialFma);
  }

  private void addPlainArithmetic(PtxType type) {
    addSums("", RoundingMode.HALF_EVEN, type);
  }

  private void addSums(String suffix, RoundingMode mode, PtxType type) {
    add("add" + suffix, mode, type, 2, v -> v[0].add(v[1]), v -> v[0] + v[1]);
    add("sub" + suffix, mode, type, 2, v -> v[0].subtract(v[1]), v -> v[0] - v[1]);
    add("mul" + suffix, mode, type, 2, v -> v[0].multiply(v[1]), v -> v[0] * v[1]);
  }

  private static double specialFma(double[] v) {
    boolean finiteProduct = Double.isFinite(v[0]) && Double.isFinite(v[1]);
    return finiteProduct && !Double.isFinite(v[2]) ? v[2] : v[0] * v[1] + v[2];
  }

  private void addQuotients(PtxType type) {
    RoundingMode mode = RoundingMode.HALF_EVEN;
    add("div.rn", mode, type, 2, v -> v[0].divide(v[1], DIGITS), v -> v[0] / v[1]);
    add("rcp.rn", mode, type, 1, v -> BigDecimal.ONE.divide(v[0], DIGITS), v -> 1 / v[0]);
    add("sqrt.rn", mode, type, 1, v -> v[0].sqrt(DIGITS), v -> Math.sqrt(v[0]));
  }

  /** Results that are one of the arguments, give or take the sign: no rounding. */
  private void addSelections(PtxType type) {
    addSpecial("max", type, 2, v -> v[0] != v[0] ? v[1] : v[1] != v[1] ? v[0] : largest(v));
    addSpecial(
        "min", type, 2, v -> v[0] != v[0] ? v[1] : v[1] != v[1] ? v[0] : -largest(negated(v)));
    addSpecial("abs", type, 1, v -> v[0] < 0 || 1 / v[0] < 0 ? -v[0] : v[0]);
    addSpecial("neg", type, 1, v -> -1.0 * v[0]);
  }

  private static double largest(double[] v) {
    if (v[0] == 0 && v[1] == 0) {
      return 1 / v[0] > 0 ? v[0] : v[1]; // +0 counts as larger than -0
    }
    return v[0] > v[1] ? v[0] : v[1];
  }

  private static double[] negated(double[] v) {
    return new double[] {-v[0], -v[1]};
  }

  private void add(
      String operation,
      RoundingMode mode,
      PtxType type,
      int operands,
      Exact exact,
      Special special) {
    IeeeRounding format = type == F32 ? IeeeRounding.FLOAT : IeeeRounding.DOUBLE;
    Special rounded =
        values -> {
          double inDouble = special.of(values);
          if (!isOrdinary(values, operation)) {
            return inDouble;
          }
          BigDecimal result = exact.of(toDecimals(values));
          return result.signum() == 0
              ? exactZero(values, operation, mode, inDouble)
              : format.round(result, mode);
        };
    Special flushed =
        values ->
            isOrdinary(values, operation) && isTiny(exact.of(toDecimals(values)), mode)
                ? 0 * rounded.of(values)
                : flush(rounded.of(values));
    addSpecial(operation, type, operands, rounded, flushed);
  }

  /** Flush to zero asks whether it is subnormal when rounded to 24 bits of any exponent. */
  private static boolean isTiny(BigDecimal exact, RoundingMode mode) {
    if (exact.signum() == 0 || exact.abs().compareTo(TWICE_SMALLEST_NORMAL) >= 0) {
      return false;
    }
    double scaled = IeeeRounding.FLOAT.round(exact.multiply(SCALE), mode);
    return Math.abs(scaled) < Float.MIN_NORMAL * SCALE.doubleValue();
  }

  /** Whether the exact result is a number that has to be rounded. */
  private static boolean isOrdinary(double[] values, String operation) {
    for (double value : values) {
      if (!Double.isFinite(value)) {
        return false;
      }
    }
    double divisor = operation.startsWith("div") ? values[1] : values[0];
    boolean divides = operation.startsWith("div") || operation.startsWith("rcp");
    boolean roots = operation.startsWith("sqrt");
    return !(divides && divisor == 0) && !(roots && values[0] <= 0);
  }

  /**
   * The sign of an exact zero: of a sum of opposites it depends on the rounding (IEEE 754, section
   * 6.3), of all else it is the sign that doubles give.
   */
  private static double exactZero(
      double[] values, String operation, RoundingMode mode, double inDouble) {
    boolean isSum = !operation.startsWith("mul") && !operation.startsWith("div");
    return isSum && mode == RoundingMode.FLOOR && !isSumOfPositiveZeros(values, operation)
        ? -0.0
        : isSum && inDouble != 0 ? 0.0 : inDouble;
  }

  private static boolean isSumOfPositiveZeros(double[] v, String operation) {
    double first = operation.startsWith("fma") ? v[0] * v[1] : v[0];
    double last = operation.startsWith("sub") ? -v[1] : v[v.length - 1];
    return first == 0 && last == 0 && 1 / first > 0 && 1 / last > 0;
  }

  private static BigDecimal[] toDecimals(double[] values) {
    BigDecimal[] decimals = new BigDecimal[values.length];
    for (int i = 0; i < values.length; i++) {
      decimals[i] = new BigDecimal(values[i]);
    }
    return decimals;
  }

  private void addSpecial(String operation, PtxType type, int operands, Special function) {
    addSpecial(operation, type, operands, function, values -> flush(function.of(values)));
  }

  private void addSpecial(
      String operation, PtxType type, int operands, Special function, Special flushed) {
    List<PtxType> types = Collections.nCopies(operands, type);
    if (type == F64) {
      cases.add(
          VectorCase.of(
              operation + ".f64",
              F64,
              types,
              a -> Double.doubleToRawLongBits(function.of(doubles(a)))));
      return;
    }
    cases.add(
        VectorCase.of(
            operation + ".f32",
            F32,
            types,
            a -> Float.floatToRawIntBits((float) function.of(floats(a, false)))));
    cases.add(
        VectorCase.of(
            operation + ".ftz.f32",
            F32,
            types,
            a -> Float.floatToRawIntBits((float) flushed.of(floats(a, true)))));
  }

  private static double[] doubles(long[] bits) {
    double[] values = new double[bits.length];
    for (int i = 0; i < bits.length; i++) {
      values[i] = Double.longBitsToDouble(bits[i]);
    }
    return values;
  }

  private static double[] floats(long[] bits, boolean ftz) {
    double[] values = new double[bits.length];
    for (int i = 0; i < bits.length; i++) {
      float value = Float.intBitsToFloat((int) bits[i]);
      values[i] = ftz ? flush(value) : value;
    }
    return values;
  }

  /** Flush to zero: whatever is smaller than the smallest normal float. */
  static double flush(double value) {
    return Math.abs(value) < 0x1p-126 ? 0 * value : value;
  }
}
