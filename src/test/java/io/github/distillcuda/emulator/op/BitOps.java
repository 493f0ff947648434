package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.op.Bits.low16;
import static io.github.distillcuda.emulator.op.Bits.unsigned;

import java.util.function.IntBinaryOperator;

/** Logic, shifts and bit fields. A shift by more than the width shifts everything out. */
final class BitOps {
  private BitOps() {}

  static void addTo(OpTable table) {
    addLogic(table);
    addShifts(table);
    addCounts(table);
    addFields(table);
    addPredicateLogic(table);
  }

  private static void addLogic(OpTable table) {
    for (String word : new String[] {"b16", "b32"}) {
      table.add("and." + word, WordLoops.binary((a, b) -> a & b));
      table.add("or." + word, WordLoops.binary((a, b) -> a | b));
      table.add("xor." + word, WordLoops.binary((a, b) -> a ^ b));
    }
    table.add("and.b64", WideLoops.binary((a, b) -> a & b));
    table.add("or.b64", WideLoops.binary((a, b) -> a | b));
    table.add("xor.b64", WideLoops.binary((a, b) -> a ^ b));
    table.add("not.b16", WordLoops.unary(a -> low16(~a)));
    table.add("not.b32", WordLoops.unary(a -> ~a));
    table.add("not.b64", WideLoops.unary(a -> ~a));
  }

  private static void addShifts(OpTable table) {
    table.add("shl.b16", WordLoops.binary((a, n) -> low16(shiftLeft(a, n))));
    table.add("shl.b32", WordLoops.binary((a, n) -> shiftLeft(a, n)));
    table.add("shl.b64", WideLoops.shift((a, n) -> unsigned(n) > 63 ? 0 : a << n));
    for (String type : new String[] {"u", "b"}) {
      table.add("shr." + type + "16", WordLoops.binary((a, n) -> shiftRight(a, n)));
      table.add("shr." + type + "32", WordLoops.binary((a, n) -> shiftRight(a, n)));
      table.add("shr." + type + "64", WideLoops.shift((a, n) -> unsigned(n) > 63 ? 0 : a >>> n));
    }
    table.add("shr.s16", WordLoops.binary((a, n) -> low16((short) a >> clamp(n, 31))));
    table.add("shr.s32", WordLoops.binary((a, n) -> a >> clamp(n, 31)));
    table.add("shr.s64", WideLoops.shift((a, n) -> a >> clamp(n, 63)));
    // Funnel shifts: the 64 bits b:a, of which the upper or the lower half is kept.
    table.add("shf.l.wrap.b32", WordLoops.ternary((a, b, n) -> funnelLeft(a, b, n & 31)));
    table.add("shf.l.clamp.b32", WordLoops.ternary((a, b, n) -> funnelLeft(a, b, clamp(n, 32))));
    table.add("shf.r.wrap.b32", WordLoops.ternary((a, b, n) -> funnelRight(a, b, n & 31)));
    table.add("shf.r.clamp.b32", WordLoops.ternary((a, b, n) -> funnelRight(a, b, clamp(n, 32))));
  }

  private static int clamp(int unsignedCount, int most) {
    return (int) Math.min(unsigned(unsignedCount), most);
  }

  private static int shiftLeft(int a, int count) {
    return unsigned(count) > 31 ? 0 : a << count;
  }

  private static int shiftRight(int a, int count) {
    return unsigned(count) > 31 ? 0 : a >>> count;
  }

  private static int funnelLeft(int low, int high, int count) {
    return (int) (((long) high << 32 | unsigned(low)) << count >>> 32);
  }

  private static int funnelRight(int low, int high, int count) {
    return (int) (((long) high << 32 | unsigned(low)) >>> count);
  }

  private static void addCounts(OpTable table) {
    table.add("popc.b32", WordLoops.unary(a -> Integer.bitCount(a)));
    table.add("popc.b64", WordLoops.fromWide(a -> Long.bitCount(a)));
    table.add("clz.b32", WordLoops.unary(a -> Integer.numberOfLeadingZeros(a)));
    table.add("clz.b64", WordLoops.fromWide(a -> Long.numberOfLeadingZeros(a)));
    table.add("brev.b32", WordLoops.unary(a -> Integer.reverse(a)));
    table.add("brev.b64", WideLoops.unary(a -> Long.reverse(a)));
    table.add("bfind.u32", WordLoops.unary(a -> 31 - Integer.numberOfLeadingZeros(a)));
    table.add("bfind.shiftamt.u32", WordLoops.unary(a -> shiftToTop(a)));
  }

  /** How far the highest one has to be shifted to the top; all ones if there is none. */
  private static int shiftToTop(int a) {
    return a == 0 ? -1 : Integer.numberOfLeadingZeros(a);
  }

  private static void addFields(OpTable table) {
    table.add("bfe.u32", WordLoops.ternary((a, start, length) -> field(a, start, length)));
    table.add("bfe.s32", WordLoops.ternary((a, start, length) -> signedField(a, start, length)));
    table.add(
        "bfi.b32",
        operands -> {
          int start = (int) operands.immediate(3);
          int length = (int) operands.immediate(4);
          return WordLoops.binary((a, b) -> inserted(a, b, start, length)).decode(operands);
        });
    table.add("prmt.b32", WordLoops.ternary((a, b, selector) -> permute(a, b, selector)));
    table.add(
        "lop3.b32",
        operands -> {
          int truthTable = (int) operands.immediate(4);
          return WordLoops.ternary((a, b, c) -> logic3(a, b, c, truthTable)).decode(operands);
        });
  }

  private static int field(int a, int start, int length) {
    int kept = Math.min(length & 0xff, 32);
    return (int) ((unsigned(a) >>> Math.min(start & 0xff, 32)) & ((1L << kept) - 1));
  }

  /** Sign-extended from the field's last bit, or from bit 31 if the field reaches over the end. */
  private static int signedField(int a, int start, int length) {
    int from = start & 0xff;
    int kept = length & 0xff;
    if (kept == 0) {
      return 0;
    }
    int top = Math.min(from + kept - 1, 31);
    return top < from ? a >> 31 : a << (31 - top) >> (31 - top + from);
  }

  /** The lowest bits of a in b; the place and the length are constants in what nvcc emits. */
  private static int inserted(int a, int b, int start, int length) {
    long mask = ((1L << Math.min(length & 0xff, 32)) - 1) << Math.min(start & 0xff, 32);
    return (int) (b & ~mask | unsigned(a) << Math.min(start & 0xff, 32) & mask);
  }

  /** Picks four bytes out of the eight of b:a; bit 3 of a selector spreads the byte's sign. */
  private static int permute(int a, int b, int selector) {
    long bytes = (long) b << 32 | unsigned(a);
    int result = 0;
    for (int i = 0; i < 4; i++) {
      int choice = selector >>> (4 * i);
      int picked = (byte) (bytes >>> (8 * (choice & 7)));
      int chosen = (choice & 8) == 0 ? picked & 0xff : picked < 0 ? 0xff : 0;
      result |= chosen << (8 * i);
    }
    return result;
  }

  /** Any function of three bits: bit {@code 4a + 2b + c} of the table is its value. */
  private static int logic3(int a, int b, int c, int truthTable) {
    int result = 0;
    for (int row = 0; row < 8; row++) {
      if ((truthTable >>> row & 1) != 0) {
        result |= ((row & 4) != 0 ? a : ~a) & ((row & 2) != 0 ? b : ~b) & ((row & 1) != 0 ? c : ~c);
      }
    }
    return result;
  }

  /** Predicates hold one bit a lane, so their logic needs no loop. */
  private static void addPredicateLogic(OpTable table) {
    predicate(table, "and.pred", (a, b) -> a & b);
    predicate(table, "or.pred", (a, b) -> a | b);
    predicate(table, "xor.pred", (a, b) -> a ^ b);
    table.add(
        "not.pred",
        operands -> {
          int to = operands.predicate(0);
          int from = operands.predicate(1);
          return (warp, lanes) -> {
            warp.predicates[to] = select(lanes, ~warp.predicates[from], warp.predicates[to]);
            return lanes;
          };
        });
  }

  private static void predicate(OpTable table, String mnemonic, IntBinaryOperator f) {
    table.add(
        mnemonic,
        operands -> {
          int to = operands.predicate(0);
          int a = operands.predicate(1);
          int b = operands.predicate(2);
          return (warp, lanes) -> {
            int result = f.applyAsInt(warp.predicates[a], warp.predicates[b]);
            warp.predicates[to] = select(lanes, result, warp.predicates[to]);
            return lanes;
          };
        });
  }

  /** The new bits of the executing lanes, the old ones of the others. */
  static int select(int lanes, int newBits, int oldBits) {
    return newBits & lanes | oldBits & ~lanes;
  }
}
