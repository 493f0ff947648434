package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.ptx.PtxType;
import java.util.List;

/**
 * An instruction, the arguments to try it on, and what it must give.
 *
 * @param result the type of its result
 * @param operands the types of its operands
 * @param suffix what follows the register operands in the text, such as a constant; mostly empty
 * @param arguments one array of raw bits for each try
 * @param oracle computes the expected bits, independently of the emulator
 */
record VectorCase(
    String mnemonic,
    PtxType result,
    List<PtxType> operands,
    String suffix,
    List<long[]> arguments,
    Oracle oracle) {

  /** What an instruction must give for the raw bits of its arguments; the low bits count. */
  interface Oracle {
    long expected(long[] arguments);
  }

  /** A case that tries every combination of interesting values. */
  static VectorCase of(String mnemonic, PtxType result, List<PtxType> operands, Oracle oracle) {
    return new VectorCase(
        mnemonic, result, operands, "", InterestingValues.combinations(operands), oracle);
  }

  VectorCase withSuffix(String newSuffix) {
    return new VectorCase(mnemonic, result, operands, newSuffix, arguments, oracle);
  }

  /**
   * The least compute capability that has the instruction, by the PTX ISA: bfloat16 and TF32 came
   * with 8.0.
   */
  int computeCapability() {
    return mnemonic.contains("bf16") || mnemonic.contains("tf32") ? 80 : 75;
  }

  /** A result to compare: its low bits; which NaN it is does not count, only that it is one. */
  String canonical(long bits) {
    boolean isNan =
        switch (result) {
          case F32 -> Float.isNaN(Float.intBitsToFloat((int) bits));
          case F64 -> Double.isNaN(Double.longBitsToDouble(bits));
          case F16 -> (bits & 0x7fff) > 0x7c00;
          case BF16 -> (bits & 0x7fff) > 0x7f80;
          default -> false;
        };
    int width = result == PtxType.PRED ? 1 : 8 * result.bytes();
    return isNan ? "NaN" : Long.toHexString(bits << (64 - width) >>> (64 - width));
  }

  @Override
  public String toString() {
    return mnemonic;
  }
}
