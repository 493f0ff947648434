package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.ptx.PtxType.B16;
import static io.github.distillcuda.emulator.ptx.PtxType.B32;
import static io.github.distillcuda.emulator.ptx.PtxType.B64;
import static io.github.distillcuda.emulator.ptx.PtxType.PRED;
import static io.github.distillcuda.emulator.ptx.PtxType.S32;
import static io.github.distillcuda.emulator.ptx.PtxType.U32;

import io.github.distillcuda.emulator.ptx.PtxType;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/** Logic, shifts and bit fields, one bit at a time, as the PTX ISA words them. */
final class BitVectors {
  private final List<VectorCase> cases = new ArrayList<>();

  private BitVectors() {}

  private interface BitFunction {
    boolean of(boolean a, boolean b);
  }

  static List<VectorCase> all() {
    BitVectors vectors = new BitVectors();
    for (PtxType type : List.of(PRED, B16, B32, B64)) {
      vectors.addLogic(type);
    }
    for (PtxType type : List.of(B16, B32, B64)) {
      vectors.addShifts(type);
    }
    vectors.addFunnelShifts();
    vectors.addCounts();
    vectors.addFields();
    return vectors.cases;
  }

  private void addLogic(PtxType type) {
    logic("and", type, (a, b) -> a && b);
    logic("or", type, (a, b) -> a || b);
    logic("xor", type, (a, b) -> a != b);
    cases.add(
        VectorCase.of(
            "not." + type.suffix(),
            type,
            List.of(type),
            v -> eachBit(type, v[0], 0, (a, b) -> !a)));
  }

  private void logic(String operation, PtxType type, BitFunction function) {
    cases.add(
        VectorCase.of(
            operation + "." + type.suffix(),
            type,
            List.of(type, type),
            v -> eachBit(type, v[0], v[1], function)));
  }

  private static long eachBit(PtxType type, long a, long b, BitFunction function) {
    long result = 0;
    for (int i = 0; i < width(type); i++) {
      if (function.of(bit(a, i), bit(b, i))) {
        result |= 1L << i;
      }
    }
    return result;
  }

  private static int width(PtxType type) {
    return type == PRED ? 1 : 8 * type.bytes();
  }

  private static boolean bit(long bits, int index) {
    return (bits >>> index & 1) != 0;
  }

  private void addShifts(PtxType type) {
    int width = width(type);
    shift("shl.b" + width, type, (a, n) -> n < width ? a.shiftLeft((int) n) : BigInteger.ZERO);
    for (String kind : new String[] {"b", "u"}) {
      shift("shr." + kind + width, type, (a, n) -> a.shiftRight((int) Math.min(n, width)));
    }
    PtxType signed = PtxType.valueOf("S" + width);
    cases.add(
        VectorCase.of(
            "shr.s" + width,
            type,
            List.of(type, U32),
            v ->
                IntegerVectors.bits(
                    type,
                    IntegerVectors.value(signed, v[0]).shiftRight((int) Math.min(v[1], width)))));
  }

  private interface Shift {
    BigInteger of(BigInteger value, long count);
  }

  private void shift(String mnemonic, PtxType type, Shift shift) {
    cases.add(
        VectorCase.of(
            mnemonic,
            type,
            List.of(type, U32),
            v -> IntegerVectors.bits(type, shift.of(IntegerVectors.value(type, v[0]), v[1]))));
  }

  private void addFunnelShifts() {
    for (boolean clamps : new boolean[] {false, true}) {
      String mode = clamps ? "clamp.b32" : "wrap.b32";
      List<PtxType> operands = List.of(B32, B32, U32);
      cases.add(
          VectorCase.of(
              "shf.l." + mode,
              B32,
              operands,
              v -> joined(v).shiftLeft(funnelCount(v[2], clamps)).shiftRight(32).longValue()));
      cases.add(
          VectorCase.of(
              "shf.r." + mode,
              B32,
              operands,
              v -> joined(v).shiftRight(funnelCount(v[2], clamps)).longValue()));
    }
  }

  private static BigInteger joined(long[] lowAndHigh) {
    return BigInteger.valueOf(lowAndHigh[1]).shiftLeft(32).or(BigInteger.valueOf(lowAndHigh[0]));
  }

  private static int funnelCount(long count, boolean clamps) {
    return (int) (clamps ? Math.min(count, 32) : count % 32);
  }

  private void addCounts() {
    for (PtxType type : List.of(B32, B64)) {
      String suffix = "." + type.suffix();
      int width = width(type);
      cases.add(VectorCase.of("popc" + suffix, U32, List.of(type), v -> ones(v[0], width)));
      cases.add(
          VectorCase.of("clz" + suffix, U32, List.of(type), v -> width - 1 - top(v[0], width)));
      cases.add(VectorCase.of("brev" + suffix, type, List.of(type), v -> mirrored(v[0], width)));
    }
    cases.add(VectorCase.of("bfind.u32", U32, List.of(U32), v -> top(v[0], 32)));
    cases.add(
        VectorCase.of(
            "bfind.shiftamt.u32", U32, List.of(U32), v -> v[0] == 0 ? -1 : 31 - top(v[0], 32)));
  }

  private static long ones(long bits, int width) {
    long count = 0;
    for (int i = 0; i < width; i++) {
      count += bit(bits, i) ? 1 : 0;
    }
    return count;
  }

  /** The highest bit that is set; -1 if none is. */
  private static long top(long bits, int width) {
    int i = width - 1;
    while (i >= 0 && !bit(bits, i)) {
      i--;
    }
    return i;
  }

  private static long mirrored(long bits, int width) {
    long result = 0;
    for (int i = 0; i < width; i++) {
      result |= bit(bits, i) ? 1L << (width - 1 - i) : 0;
    }
    return result;
  }

  private void addFields() {
    cases.add(VectorCase.of("bfe.u32", U32, List.of(U32, U32, U32), v -> field(v, false)));
    cases.add(VectorCase.of("bfe.s32", S32, List.of(S32, U32, U32), v -> field(v, true)));
    for (int[] field : new int[][] {{4, 28}, {0, 32}, {31, 1}, {7, 0}, {30, 9}}) {
      VectorCase bfi =
          VectorCase.of(
              "bfi.b32", B32, List.of(B32, B32), v -> inserted(v[0], v[1], field[0], field[1]));
      cases.add(bfi.withSuffix(", %d, %d".formatted(field[0], field[1])));
    }
    cases.add(VectorCase.of("prmt.b32", B32, List.of(B32, B32, B32), BitVectors::permuted));
    int majority = 0b11101000;
    VectorCase lop3 =
        VectorCase.of(
            "lop3.b32", B32, List.of(B32, B32, B32), v -> v[0] & v[1] | v[0] & v[2] | v[1] & v[2]);
    cases.add(lop3.withSuffix(", " + majority));
  }

  /** The loop that the PTX ISA gives as the meaning of bfe. */
  private static long field(long[] v, boolean signed) {
    int position = (int) (v[1] & 0xff);
    int length = (int) (v[2] & 0xff);
    boolean sign = signed && length != 0 && bit(v[0], Math.min(position + length - 1, 31));
    long result = 0;
    for (int i = 0; i < 32; i++) {
      boolean kept = i < length && position + i < 32 ? bit(v[0], position + i) : sign;
      result |= kept ? 1L << i : 0;
    }
    return result;
  }

  /** The loop that the PTX ISA gives as the meaning of bfi. */
  private static long inserted(long a, long b, int start, int length) {
    long result = b;
    for (int i = 0; i < length && start + i < 32; i++) {
      result &= ~(1L << (start + i));
      result |= bit(a, i) ? 1L << (start + i) : 0;
    }
    return result;
  }

  private static long permuted(long[] v) {
    byte[] bytes = joined(v).add(BigInteger.ONE.shiftLeft(64)).toByteArray(); // 1, then b7 to b0
    long result = 0;
    for (int i = 0; i < 4; i++) {
      int selector = (int) (v[2] >> 4 * i) & 15;
      byte picked = bytes[8 - selector % 8];
      byte chosen = selector < 8 ? picked : (byte) (picked < 0 ? -1 : 0);
      result |= Byte.toUnsignedLong(chosen) << 8 * i;
    }
    return result;
  }
}
