package io.github.distillcuda.emulator.op;

import static io.github.distillcuda.emulator.op.Bits.bits;
import static io.github.distillcuda.emulator.op.Bits.f32;
import static io.github.distillcuda.emulator.op.Bits.f64;
import static io.github.distillcuda.emulator.op.Bits.flush;
import static io.github.distillcuda.emulator.op.Bits.low16;

import io.github.distillcuda.emulator.memory.HostBytes;
import java.util.function.DoubleUnaryOperator;

/** Conversions between types ({@code cvt}). Those to integers saturate, as the hardware does. */
final class ConvertOps {
  private static final int NAN_F16 = 0x7fff;
  private static final int NAN_TF32 = 0x7fffffff;

  private ConvertOps() {}

  static void addTo(OpTable table) {
    for (IntegerType from : IntegerType.values()) {
      for (IntegerType to : IntegerType.values()) {
        if (from != to) {
          table.add("cvt." + to.suffix() + "." + from.suffix(), betweenIntegers(to, from));
        }
      }
      addFloatsFromInteger(table, from);
    }
    addRoundings(table, "rni", Math::rint);
    addRoundings(table, "rzi", a -> a < 0 ? Math.ceil(a) : Math.floor(a));
    addRoundings(table, "rmi", Math::floor);
    addRoundings(table, "rpi", Math::ceil);
    addBetweenFloats(table);
    addHalfPrecision(table);
  }

  /** Both registers may be wider than their types: the value is in the low bits, extended. */
  private static OpTable.ExactDecoder betweenIntegers(IntegerType to, IntegerType from) {
    OpTable.ExactDecoder wideFromWide = WideLoops.unary(a -> to.read(from.read(a)));
    OpTable.ExactDecoder wideFromWord = WideLoops.fromWord(a -> to.read(from.read(a)));
    OpTable.ExactDecoder wordFromWide = WordLoops.fromWide(a -> (int) to.read(from.read(a)));
    OpTable.ExactDecoder wordFromWord = WordLoops.unary(a -> (int) to.read(from.read(a)));
    OpTable.ExactDecoder halfFromWide = WordLoops.fromWide(a -> low16((int) to.read(from.read(a))));
    OpTable.ExactDecoder halfFromWord = WordLoops.unary(a -> low16((int) to.read(from.read(a))));
    return operands -> {
      boolean isFromWide = operands.registerBytes(1) == Long.BYTES;
      OpTable.ExactDecoder decoder =
          switch (operands.registerBytes(0)) {
            case Long.BYTES -> isFromWide ? wideFromWide : wideFromWord;
            case Integer.BYTES -> isFromWide ? wordFromWide : wordFromWord;
            default -> isFromWide ? halfFromWide : halfFromWord;
          };
      return decoder.decode(operands);
    };
  }

  private static void addFloatsFromInteger(OpTable table, IntegerType from) {
    String type = from.suffix();
    OpTable.ExactDecoder floatFromWide = WordLoops.fromWide(a -> bits(from.toFloat(a)));
    OpTable.ExactDecoder floatFromWord = WordLoops.unary(a -> bits(from.toFloat(a)));
    OpTable.ExactDecoder doubleFromWide = WideLoops.unary(a -> bits(from.toDouble(a)));
    OpTable.ExactDecoder doubleFromWord = WideLoops.fromWord(a -> bits(from.toDouble(a)));
    table.add("cvt.rn.f32." + type, bySource(floatFromWide, floatFromWord));
    table.add("cvt.rn.f64." + type, bySource(doubleFromWide, doubleFromWord));
  }

  private static OpTable.ExactDecoder bySource(
      OpTable.ExactDecoder fromWide, OpTable.ExactDecoder fromWord) {
    return operands ->
        (operands.registerBytes(1) == Long.BYTES ? fromWide : fromWord).decode(operands);
  }

  /** Rounding to a whole number, kept as a float or made an integer. */
  private static void addRoundings(OpTable table, String rounding, DoubleUnaryOperator round) {
    String cvt = "cvt." + rounding;
    for (boolean ftz : new boolean[] {false, true}) {
      table.add(
          cvt + (ftz ? ".ftz.f32.f32" : ".f32.f32"),
          FloatLoops.unary(a -> (float) round.applyAsDouble(a), ftz));
    }
    table.add(cvt + ".f64.f64", WideLoops.unary(a -> bits(round.applyAsDouble(f64(a)))));
    for (IntegerType to : IntegerType.values()) {
      String type = to.suffix();
      addFloatToInteger(table, cvt + "." + type + ".f32", to, a -> round.applyAsDouble(f32(a)));
      addFloatToInteger(
          table, cvt + ".ftz." + type + ".f32", to, a -> round.applyAsDouble(flush(f32(a))));
      table.add(
          cvt + "." + type + ".f64",
          to.isWide()
              ? WideLoops.unary(a -> to.saturate(round.applyAsDouble(f64(a)), Double.SIZE))
              : WordLoops.fromWide(
                  a -> (int) to.saturate(round.applyAsDouble(f64(a)), Double.SIZE)));
    }
  }

  private interface RoundedFloat {
    double of(int floatBits);
  }

  private static void addFloatToInteger(
      OpTable table, String mnemonic, IntegerType to, RoundedFloat rounded) {
    table.add(
        mnemonic,
        to.isWide()
            ? WideLoops.fromWord(a -> to.saturate(rounded.of(a), Float.SIZE))
            : WordLoops.unary(a -> (int) to.saturate(rounded.of(a), Float.SIZE)));
  }

  private static void addBetweenFloats(OpTable table) {
    table.add("cvt.f64.f32", WideLoops.fromWord(a -> bits((double) f32(a))));
    table.add("cvt.ftz.f64.f32", WideLoops.fromWord(a -> bits((double) flush(f32(a)))));
    table.add("cvt.rn.f32.f64", WordLoops.fromWide(a -> bits((float) f64(a))));
    table.add("cvt.rn.ftz.f32.f64", WordLoops.fromWide(a -> bits(flush((float) f64(a)))));
    table.add("cvt.sat.f32.f32", FloatLoops.unary(a -> saturate(a), false));
    table.add("cvt.ftz.sat.f32.f32", FloatLoops.unary(a -> saturate(a), true));
    table.add("cvt.ftz.f32.f32", FloatLoops.unary(a -> a, true));
  }

  /** Clamped to [0, 1]; 0 for NaN and for -0. */
  private static float saturate(float a) {
    return a > 0 ? Math.min(a, 1) : 0;
  }

  private static void addHalfPrecision(OpTable table) {
    table.add("cvt.rn.bf16.f32", WordLoops.unary(a -> HostBytes.toBfloat16(a)));
    table.add(
        "cvt.rn.bf16x2.f32",
        WordLoops.binary((a, b) -> HostBytes.toBfloat16(a) << 16 | HostBytes.toBfloat16(b)));
    table.add("cvt.f32.bf16", WordLoops.unary(a -> bits(f32(a << 16))));
    table.add("cvt.rna.tf32.f32", WordLoops.unary(ConvertOps::toTf32));
    table.add("cvt.rn.f16.f32", WordLoops.unary(a -> toFloat16(a)));
    table.add("cvt.f32.f16", WordLoops.unary(a -> bits(Float.float16ToFloat((short) a))));
  }

  /** To nearest, ties away from zero: in a float32 register, whose last 13 bits are zero. */
  private static int toTf32(int floatBits) {
    return Float.isNaN(f32(floatBits)) ? NAN_TF32 : (floatBits + 0x1000) & ~0x1fff;
  }

  private static int toFloat16(int floatBits) {
    return Float.isNaN(f32(floatBits)) ? NAN_F16 : low16(Float.floatToFloat16(f32(floatBits)));
  }
}
