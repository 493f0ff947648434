package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.op.Bits.f64;

import io.github.distillcuda.emulator.machine.WarpInstruction;
import io.github.distillcuda.emulator.op.FloatLoops.FloatRelation;
import io.github.distillcuda.emulator.op.WideLoops.WideRelation;
import io.github.distillcuda.emulator.op.WordLoops.WordRelation;
import io.github.distillcuda.emulator.ptx.Operand;
import java.util.function.IntBinaryOperator;

/** Comparisons into predicates ({@code setp}), and selections by predicates ({@code selp}). */
final class CompareOps {
  private CompareOps() {}

  static void addTo(OpTable table) {
    addWords(table);
    addWides(table);
    addFloats(table);
    addDoubles(table);
    addSelections(table);
  }

  private static void addWords(OpTable table) {
    for (String type : new String[] {"b16", "u16", "s16", "b32", "u32", "s32"}) {
      word(table, "eq", type, (a, b) -> a == b);
      word(table, "ne", type, (a, b) -> a != b);
    }
    for (String type : new String[] {"u16", "u32"}) {
      word(table, "lt", type, (a, b) -> Integer.compareUnsigned(a, b) < 0);
      word(table, "le", type, (a, b) -> Integer.compareUnsigned(a, b) <= 0);
      word(table, "gt", type, (a, b) -> Integer.compareUnsigned(a, b) > 0);
      word(table, "ge", type, (a, b) -> Integer.compareUnsigned(a, b) >= 0);
    }
    word(table, "lt", "s16", (a, b) -> (short) a < (short) b);
    word(table, "le", "s16", (a, b) -> (short) a <= (short) b);
    word(table, "gt", "s16", (a, b) -> (short) a > (short) b);
    word(table, "ge", "s16", (a, b) -> (short) a >= (short) b);
    word(table, "lt", "s32", (a, b) -> a < b);
    word(table, "le", "s32", (a, b) -> a <= b);
    word(table, "gt", "s32", (a, b) -> a > b);
    word(table, "ge", "s32", (a, b) -> a >= b);
  }

  private static void addWides(OpTable table) {
    for (String type : new String[] {"b64", "u64", "s64"}) {
      wide(table, "eq", type, (a, b) -> a == b);
      wide(table, "ne", type, (a, b) -> a != b);
    }
    wide(table, "lt", "u64", (a, b) -> Long.compareUnsigned(a, b) < 0);
    wide(table, "le", "u64", (a, b) -> Long.compareUnsigned(a, b) <= 0);
    wide(table, "gt", "u64", (a, b) -> Long.compareUnsigned(a, b) > 0);
    wide(table, "ge", "u64", (a, b) -> Long.compareUnsigned(a, b) >= 0);
    wide(table, "lt", "s64", (a, b) -> a < b);
    wide(table, "le", "s64", (a, b) -> a <= b);
    wide(table, "gt", "s64", (a, b) -> a > b);
    wide(table, "ge", "s64", (a, b) -> a >= b);
  }

  /** The relations ending in u also hold where one side is not a number. */
  private static void addFloats(OpTable table) {
    floats(table, "eq", (a, b) -> a == b);
    floats(table, "ne", (a, b) -> a < b || a > b);
    floats(table, "lt", (a, b) -> a < b);
    floats(table, "le", (a, b) -> a <= b);
    floats(table, "gt", (a, b) -> a > b);
    floats(table, "ge", (a, b) -> a >= b);
    floats(table, "equ", (a, b) -> !(a < b || a > b));
    floats(table, "neu", (a, b) -> a != b);
    floats(table, "ltu", (a, b) -> !(a >= b));
    floats(table, "leu", (a, b) -> !(a > b));
    floats(table, "gtu", (a, b) -> !(a <= b));
    floats(table, "geu", (a, b) -> !(a < b));
    floats(table, "num", (a, b) -> a == a && b == b);
    floats(table, "nan", (a, b) -> a != a || b != b);
  }

  private static void addDoubles(OpTable table) {
    wide(table, "eq", "f64", (a, b) -> f64(a) == f64(b));
    wide(table, "ne", "f64", (a, b) -> f64(a) < f64(b) || f64(a) > f64(b));
    wide(table, "lt", "f64", (a, b) -> f64(a) < f64(b));
    wide(table, "le", "f64", (a, b) -> f64(a) <= f64(b));
    wide(table, "gt", "f64", (a, b) -> f64(a) > f64(b));
    wide(table, "ge", "f64", (a, b) -> f64(a) >= f64(b));
    wide(table, "equ", "f64", (a, b) -> !(f64(a) < f64(b) || f64(a) > f64(b)));
    wide(table, "neu", "f64", (a, b) -> f64(a) != f64(b));
    wide(table, "ltu", "f64", (a, b) -> !(f64(a) >= f64(b)));
    wide(table, "leu", "f64", (a, b) -> !(f64(a) > f64(b)));
    wide(table, "gtu", "f64", (a, b) -> !(f64(a) <= f64(b)));
    wide(table, "geu", "f64", (a, b) -> !(f64(a) < f64(b)));
    wide(table, "num", "f64", (a, b) -> !Double.isNaN(f64(a)) && !Double.isNaN(f64(b)));
    wide(table, "nan", "f64", (a, b) -> Double.isNaN(f64(a)) || Double.isNaN(f64(b)));
  }

  private static void word(OpTable table, String relation, String type, WordRelation f) {
    add(table, relation, type, WordLoops.relation(f));
  }

  private static void wide(OpTable table, String relation, String type, WideRelation f) {
    add(table, relation, type, WideLoops.relation(f));
  }

  private static void floats(OpTable table, String relation, FloatRelation f) {
    add(table, relation, "f32", FloatLoops.relation(f, false));
    add(table, relation, "ftz.f32", FloatLoops.relation(f, true));
  }

  private static void add(
      OpTable table, String relation, String type, OpTable.ExactDecoder comparison) {
    table.add("setp." + relation + "." + type, comparison);
    addCombined(table, relation + ".and." + type, comparison, (holds, other) -> holds & other);
    addCombined(table, relation + ".or." + type, comparison, (holds, other) -> holds | other);
    addCombined(table, relation + ".xor." + type, comparison, (holds, other) -> holds ^ other);
  }

  /** {@code setp.lt.and.f32 p, a, b, c}: the comparison combined with a third operand. */
  private static void addCombined(
      OpTable table, String name, OpTable.ExactDecoder comparison, IntBinaryOperator combine) {
    table.add(
        "setp." + name,
        operands -> {
          WarpInstruction compare = comparison.decode(operands);
          int to = operands.predicate(0);
          boolean negated = operands.get(3) instanceof Operand.Negated;
          int other =
              operands.get(3) instanceof Operand.Negated(Operand positive)
                  ? operands.predicate(positive)
                  : operands.predicate(3);
          int flip = negated ? -1 : 0;
          return (warp, lanes) -> {
            int otherBits = warp.predicates[other] ^ flip; // read first: it may be the result
            compare.execute(warp, lanes);
            int result = combine.applyAsInt(warp.predicates[to], otherBits);
            warp.predicates[to] = BitOps.select(lanes, result, warp.predicates[to]);
            return lanes;
          };
        });
  }

  private static void addSelections(OpTable table) {
    for (String type : new String[] {"b16", "u16", "s16", "b32", "u32", "s32", "f32"}) {
      table.add("selp." + type, CompareOps::selectWord);
    }
    for (String type : new String[] {"b64", "u64", "s64", "f64"}) {
      table.add("selp." + type, CompareOps::selectWide);
    }
    table.add("slct.f32.f32", WordLoops.ternary((a, b, c) -> Float.intBitsToFloat(c) >= 0 ? a : b));
  }

  private static WarpInstruction selectWord(Operands operands) {
    int to = operands.word(0);
    int a = operands.word(1);
    int b = operands.word(2);
    int predicate = operands.predicate(3);
    return (warp, lanes) -> {
      int choice = warp.predicates[predicate];
      for (int rest = lanes; rest != 0; rest &= rest - 1) {
        int lane = Integer.numberOfTrailingZeros(rest);
        warp.words[to][lane] = warp.words[(choice >>> lane & 1) != 0 ? a : b][lane];
      }
      return lanes;
    };
  }

  private static WarpInstruction selectWide(Operands operands) {
    int to = operands.wide(0);
    int a = operands.wide(1);
    int b = operands.wide(2);
    int predicate = operands.predicate(3);
    return (warp, lanes) -> {
      int choice = warp.predicates[predicate];
      for (int rest = lanes; rest != 0; rest &= rest - 1) {
        int lane = Integer.numberOfTrailingZeros(rest);
        warp.wides[to][lane] = warp.wides[(choice >>> lane & 1) != 0 ? a : b][lane];
      }
      return lanes;
    };
  }
}
