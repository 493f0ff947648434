package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.op.Bits.low16;
import static io.github.distillcuda.emulator.op.Bits.unsigned;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.machine.WarpInstruction;
import java.util.function.IntBinaryOperator;
import java.util.function.LongBinaryOperator;

/** Integer arithmetic. All of it wraps around. */
final class IntegerOps {
  private IntegerOps() {}

  static void addTo(OpTable table) {
    addSums(table);
    addProducts(table);
    addQuotients(table);
    addComparisons(table);
  }

  private static void addSums(OpTable table) {
    for (String sign : new String[] {"s", "u"}) {
      table.add("add." + sign + "16", WordLoops.binary((a, b) -> low16(a + b)));
      table.add("add." + sign + "32", WordLoops.binary((a, b) -> a + b));
      table.add("add." + sign + "64", WideLoops.binary((a, b) -> a + b));
      table.add("sub." + sign + "16", WordLoops.binary((a, b) -> low16(a - b)));
      table.add("sub." + sign + "32", WordLoops.binary((a, b) -> a - b));
      table.add("sub." + sign + "64", WideLoops.binary((a, b) -> a - b));
    }
    table.add("neg.s16", WordLoops.unary(a -> low16(-a)));
    table.add("neg.s32", WordLoops.unary(a -> -a));
    table.add("neg.s64", WideLoops.unary(a -> -a));
    table.add("abs.s16", WordLoops.unary(a -> low16(Math.abs((short) a))));
    table.add("abs.s32", WordLoops.unary(a -> Math.abs(a)));
    table.add("abs.s64", WideLoops.unary(a -> Math.abs(a)));
  }

  private static void addProducts(OpTable table) {
    for (String sign : new String[] {"s", "u"}) {
      table.add("mul.lo." + sign + "16", WordLoops.binary((a, b) -> low16(a * b)));
      table.add("mul.lo." + sign + "32", WordLoops.binary((a, b) -> a * b));
      table.add("mul.lo." + sign + "64", WideLoops.binary((a, b) -> a * b));
      table.add("mad.lo." + sign + "16", WordLoops.ternary((a, b, c) -> low16(a * b + c)));
      table.add("mad.lo." + sign + "32", WordLoops.ternary((a, b, c) -> a * b + c));
      table.add("mad.lo." + sign + "64", WideLoops.ternary((a, b, c) -> a * b + c));
    }
    table.add("mul.hi.s32", WordLoops.binary((a, b) -> (int) ((long) a * b >> 32)));
    table.add("mul.hi.u32", WordLoops.binary((a, b) -> (int) (unsigned(a) * unsigned(b) >>> 32)));
    table.add("mul.hi.s64", WideLoops.binary((a, b) -> Math.multiplyHigh(a, b)));
    table.add("mul.hi.u64", WideLoops.binary((a, b) -> Math.unsignedMultiplyHigh(a, b)));
    table.add("mul.wide.s16", WordLoops.binary((a, b) -> (short) a * (short) b));
    table.add("mul.wide.u16", WordLoops.binary((a, b) -> low16(a) * low16(b)));
    table.add("mul.wide.s32", WideLoops.product((a, b) -> (long) a * b));
    table.add("mul.wide.u32", WideLoops.product((a, b) -> unsigned(a) * unsigned(b)));
    table.add("mad.wide.s32", WideLoops.productSum((a, b, c) -> (long) a * b + c));
    table.add("mad.wide.u32", WideLoops.productSum((a, b, c) -> unsigned(a) * unsigned(b) + c));
  }

  private static void addQuotients(OpTable table) {
    addWordQuotient(table, "div.s16", (a, b) -> low16((short) a / (short) b));
    addWordQuotient(table, "div.u16", (a, b) -> low16(a) / low16(b));
    addWordQuotient(table, "div.s32", (a, b) -> a / b);
    addWordQuotient(table, "div.u32", Integer::divideUnsigned);
    addWideQuotient(table, "div.s64", (a, b) -> a / b);
    addWideQuotient(table, "div.u64", Long::divideUnsigned);
    addWordQuotient(table, "rem.s16", (a, b) -> low16((short) a % (short) b));
    addWordQuotient(table, "rem.u16", (a, b) -> low16(a) % low16(b));
    addWordQuotient(table, "rem.s32", (a, b) -> a % b);
    addWordQuotient(table, "rem.u32", Integer::remainderUnsigned);
    addWideQuotient(table, "rem.s64", (a, b) -> a % b);
    addWideQuotient(table, "rem.u64", Long::remainderUnsigned);
  }

  /** PTX leaves the quotient by 0 open, so a kernel that computes one is wrong. */
  private static void addWordQuotient(OpTable table, String mnemonic, IntBinaryOperator f) {
    OpTable.ExactDecoder loop = WordLoops.binary(f);
    table.add(
        mnemonic,
        operands -> {
          WarpInstruction division = loop.decode(operands);
          int divisor = operands.word(2);
          return (warp, lanes) -> {
            for (int rest = lanes; rest != 0; rest &= rest - 1) {
              int lane = Integer.numberOfTrailingZeros(rest);
              checkDivisor(warp.words[divisor][lane], lane);
            }
            return division.execute(warp, lanes);
          };
        });
  }

  private static void addWideQuotient(OpTable table, String mnemonic, LongBinaryOperator f) {
    OpTable.ExactDecoder loop = WideLoops.binary(f);
    table.add(
        mnemonic,
        operands -> {
          WarpInstruction division = loop.decode(operands);
          int divisor = operands.wide(2);
          return (warp, lanes) -> {
            for (int rest = lanes; rest != 0; rest &= rest - 1) {
              int lane = Integer.numberOfTrailingZeros(rest);
              checkDivisor(warp.wides[divisor][lane], lane);
            }
            return division.execute(warp, lanes);
          };
        });
  }

  private static void checkDivisor(long divisor, int lane) {
    if (divisor == 0) {
      throw EmulatorFault.ofLane(FaultKind.DIVISION_BY_ZERO, lane, "the divisor is 0");
    }
  }

  private static void addComparisons(OpTable table) {
    table.add("min.s16", WordLoops.binary((a, b) -> low16(Math.min((short) a, (short) b))));
    table.add("min.u16", WordLoops.binary((a, b) -> Math.min(low16(a), low16(b))));
    table.add("min.s32", WordLoops.binary((a, b) -> Math.min(a, b)));
    table.add("min.u32", WordLoops.binary((a, b) -> Integer.compareUnsigned(a, b) < 0 ? a : b));
    table.add("min.s64", WideLoops.binary((a, b) -> Math.min(a, b)));
    table.add("min.u64", WideLoops.binary((a, b) -> Long.compareUnsigned(a, b) < 0 ? a : b));
    table.add("max.s16", WordLoops.binary((a, b) -> low16(Math.max((short) a, (short) b))));
    table.add("max.u16", WordLoops.binary((a, b) -> Math.max(low16(a), low16(b))));
    table.add("max.s32", WordLoops.binary((a, b) -> Math.max(a, b)));
    table.add("max.u32", WordLoops.binary((a, b) -> Integer.compareUnsigned(a, b) > 0 ? a : b));
    table.add("max.s64", WideLoops.binary((a, b) -> Math.max(a, b)));
    table.add("max.u64", WideLoops.binary((a, b) -> Long.compareUnsigned(a, b) > 0 ? a : b));
  }
}
