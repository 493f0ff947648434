package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.ptx.PtxType.S16;
import static io.github.distillcuda.emulator.ptx.PtxType.S32;
import static io.github.distillcuda.emulator.ptx.PtxType.S64;
import static io.github.distillcuda.emulator.ptx.PtxType.U16;
import static io.github.distillcuda.emulator.ptx.PtxType.U32;
import static io.github.distillcuda.emulator.ptx.PtxType.U64;

import io.github.distillcuda.emulator.ptx.PtxType;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.BinaryOperator;

/** Integer arithmetic against BigInteger. */
final class IntegerVectors {
  private static final Map<PtxType, PtxType> TWICE_AS_WIDE =
      Map.of(U16, U32, S16, S32, U32, U64, S32, S64);

  private final List<VectorCase> cases = new ArrayList<>();

  private IntegerVectors() {}

  private interface Exact {
    BigInteger of(BigInteger[] values);
  }

  static List<VectorCase> all() {
    IntegerVectors vectors = new IntegerVectors();
    for (PtxType type : List.of(U16, S16, U32, S32, U64, S64)) {
      vectors.addFor(type);
    }
    vectors.addWithNegativeConstant("mul.wide", U32, BigInteger::multiply);
    vectors.addWithNegativeConstant("min", U16, BigInteger::min);
    vectors.addWithNegativeConstant("max", U16, BigInteger::max);
    vectors.addWithNegativeConstant("div", U16, BigInteger::divide);
    vectors.addWithNegativeConstant("rem", U16, BigInteger::remainder);
    return vectors.cases;
  }

  /** To an unsigned type the constant is what its low bits are; nvcc writes 52429 so. */
  private void addWithNegativeConstant(
      String operation, PtxType result, BinaryOperator<BigInteger> exact) {
    BigInteger constant = BigInteger.valueOf(0x10000 - 13107);
    VectorCase.Oracle oracle =
        arguments -> bits(result, exact.apply(value(U16, arguments[0]), constant));
    cases.add(
        VectorCase.of(operation + ".u16", result, List.of(U16), oracle).withSuffix(", -13107"));
  }

  private void addFor(PtxType type) {
    add("add", type, type, 2, v -> v[0].add(v[1]));
    add("sub", type, type, 2, v -> v[0].subtract(v[1]));
    add("mul.lo", type, type, 2, v -> v[0].multiply(v[1]));
    add("mad.lo", type, type, 3, v -> v[0].multiply(v[1]).add(v[2]));
    add("min", type, type, 2, v -> v[0].min(v[1]));
    add("max", type, type, 2, v -> v[0].max(v[1]));
    addQuotient("div", type, v -> v[0].divide(v[1]));
    addQuotient("rem", type, v -> v[0].remainder(v[1]));
    if (type.kind() == PtxType.Kind.SIGNED) {
      add("neg", type, type, 1, v -> v[0].negate());
      add("abs", type, type, 1, v -> v[0].abs());
    }
    if (type.bytes() > 2) {
      int bits = 8 * type.bytes();
      add("mul.hi", type, type, 2, v -> v[0].multiply(v[1]).shiftRight(bits));
    }
    PtxType wide = TWICE_AS_WIDE.get(type);
    if (wide != null) {
      add("mul.wide", type, wide, 2, v -> v[0].multiply(v[1]));
    }
    if (wide != null && wide.bytes() == Long.BYTES) {
      VectorCase.Oracle sum =
          a -> {
            BigInteger product = value(type, a[0]).multiply(value(type, a[1]));
            return bits(wide, product.add(value(wide, a[2])));
          };
      cases.add(VectorCase.of("mad.wide." + type.suffix(), wide, List.of(type, type, wide), sum));
    }
  }

  private void add(String operation, PtxType type, PtxType result, int operands, Exact exact) {
    cases.add(
        VectorCase.of(
            operation + "." + type.suffix(),
            result,
            Collections.nCopies(operands, type),
            arguments -> bits(result, exact.of(values(type, arguments)))));
  }

  /** A divisor of zero is a fault: see SeededFaultTest. */
  private void addQuotient(String operation, PtxType type, Exact exact) {
    List<PtxType> operands = List.of(type, type);
    cases.add(
        new VectorCase(
            operation + "." + type.suffix(),
            type,
            operands,
            "",
            InterestingValues.combinationsWithoutZero(operands, 1),
            arguments -> bits(type, exact.of(values(type, arguments)))));
  }

  private static BigInteger[] values(PtxType type, long[] arguments) {
    BigInteger[] values = new BigInteger[arguments.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = value(type, arguments[i]);
    }
    return values;
  }

  /** The number that raw bits stand for. */
  static BigInteger value(PtxType type, long bits) {
    int width = 8 * type.bytes();
    BigInteger modulus = BigInteger.ONE.shiftLeft(width);
    BigInteger unsigned = BigInteger.valueOf(bits).mod(modulus);
    boolean negative = type.kind() == PtxType.Kind.SIGNED && unsigned.testBit(width - 1);
    return negative ? unsigned.subtract(modulus) : unsigned;
  }

  /** The raw bits of a number, wrapped around. */
  static long bits(PtxType type, BigInteger value) {
    return value.mod(BigInteger.ONE.shiftLeft(8 * type.bytes())).longValue();
  }
}
