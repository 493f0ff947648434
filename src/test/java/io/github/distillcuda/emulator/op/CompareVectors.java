package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.ptx.PtxType.F32;
import static io.github.distillcuda.emulator.ptx.PtxType.F64;
import static io.github.distillcuda.emulator.ptx.PtxType.PRED;

import io.github.distillcuda.emulator.ptx.PtxType;
import java.util.ArrayList;
import java.util.List;

/** Comparisons, from the sign of an exact comparison. */
final class CompareVectors {
  private static final List<String> RELATIONS = List.of("eq", "ne", "lt", "le", "gt", "ge");

  private final List<VectorCase> cases = new ArrayList<>();

  private CompareVectors() {}

  static List<VectorCase> all() {
    CompareVectors vectors = new CompareVectors();
    for (PtxType type : PtxType.values()) {
      switch (type.kind()) {
        case UNSIGNED, SIGNED -> vectors.addIntegers(type, RELATIONS);
        case BITS -> vectors.addIntegers(type, List.of("eq", "ne"));
        default -> {}
      }
      if (type.bytes() > 1 && type != PtxType.F16 && type != PtxType.BF16) {
        vectors.addSelection(type);
      }
    }
    for (PtxType type : List.of(F32, F64)) {
      vectors.addFloats(type, "." + type.suffix(), false);
    }
    vectors.addFloats(F32, ".ftz.f32", true);
    vectors.addSelectionBySign();
    return vectors.cases;
  }

  private interface Comparison {
    boolean holds(long a, long b);
  }

  private void addIntegers(PtxType type, List<String> relations) {
    if (type.bytes() == 1) {
      return; // there are no comparisons of bytes
    }
    for (String relation : relations) {
      addCombinations(
          relation,
          "." + type.suffix(),
          type,
          (a, b) ->
              holds(
                  relation,
                  IntegerVectors.value(type, a).compareTo(IntegerVectors.value(type, b))));
    }
  }

  /** A float relation fails for NaN, one ending in u holds. */
  private void addFloats(PtxType type, String suffix, boolean ftz) {
    for (String relation : RELATIONS) {
      for (boolean holdsForNan : new boolean[] {false, true}) {
        addCombinations(
            relation + (holdsForNan ? "u" : ""),
            suffix,
            type,
            (a, b) -> {
              double x = number(type, a, ftz);
              double y = number(type, b, ftz);
              return Double.isNaN(x) || Double.isNaN(y)
                  ? holdsForNan
                  : holds(relation, x == y ? 0 : Double.compare(x, y));
            });
      }
    }
    Comparison isNan =
        (a, b) -> Double.isNaN(number(type, a, ftz)) || Double.isNaN(number(type, b, ftz));
    addCombinations("nan", suffix, type, isNan);
    addCombinations("num", suffix, type, (a, b) -> !isNan.holds(a, b));
  }

  private static double number(PtxType type, long bits, boolean ftz) {
    double value = type == F32 ? Float.intBitsToFloat((int) bits) : Double.longBitsToDouble(bits);
    return ftz ? FloatVectors.flush(value) : value;
  }

  private static boolean holds(String relation, int sign) {
    return switch (relation) {
      case "eq" -> sign == 0;
      case "ne" -> sign != 0;
      case "lt" -> sign < 0;
      case "le" -> sign <= 0;
      case "gt" -> sign > 0;
      default -> sign >= 0;
    };
  }

  private void addCombinations(
      String relation, String suffix, PtxType type, Comparison comparison) {
    cases.add(
        VectorCase.of(
            "setp." + relation + suffix,
            PRED,
            List.of(type, type),
            v -> comparison.holds(v[0], v[1]) ? 1 : 0));
    for (String combination : List.of("and", "or", "xor")) {
      cases.add(
          VectorCase.of(
              "setp." + relation + "." + combination + suffix,
              PRED,
              List.of(type, type, PRED),
              v -> {
                long holds = comparison.holds(v[0], v[1]) ? 1 : 0;
                return switch (combination) {
                  case "and" -> holds & v[2];
                  case "or" -> holds | v[2];
                  default -> holds ^ v[2];
                };
              }));
    }
  }

  private void addSelection(PtxType type) {
    cases.add(
        VectorCase.of(
            "selp." + type.suffix(),
            type,
            List.of(type, type, PRED),
            v -> v[2] != 0 ? v[0] : v[1]));
  }

  /** The first of two where the third is at least 0; -0 is, NaN is not. By its bits. */
  private void addSelectionBySign() {
    cases.add(
        VectorCase.of(
            "slct.f32.f32",
            F32,
            List.of(F32, F32, F32),
            v -> {
              long magnitude = v[2] & 0x7fffffff;
              boolean isNaN = magnitude > 0x7f800000;
              boolean isNegative = magnitude != 0 && (v[2] & 0x80000000L) != 0;
              return isNaN || isNegative ? v[1] : v[0];
            }));
  }
}
