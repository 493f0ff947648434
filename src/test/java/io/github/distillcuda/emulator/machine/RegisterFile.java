package io.github.distillcuda.emulator.machine;

import java.util.List;

/**
 * The shape of a kernel's registers. A row holds one register for all 32 lanes, as raw bits: the
 * instruction, not the register, says whether they are an integer or a float. Constants and special
 * registers have rows of their own, so that an operation only ever sees rows.
 *
 * @param words rows of up to 32 bits; a 16-bit register keeps the upper half 0
 * @param wides rows of 64 bits
 * @param predicates registers of one bit a lane
 * @param constants rows that are filled once
 * @param specials rows that are filled when a warp begins a block
 */
public record RegisterFile(
    int words, int wides, int predicates, List<Constant> constants, List<Special> specials) {

  /** A row of equal values. */
  public sealed interface Constant {}

  /** A constant of up to 32 bits. */
  public record WordConstant(int row, int bits) implements Constant {}

  /** A constant of 64 bits. */
  public record WideConstant(int row, long bits) implements Constant {}

  /** A predicate that is the same in all lanes. */
  public record PredicateConstant(int row, boolean value) implements Constant {}

  /** A word row that follows a special register. */
  public record Special(int row, SpecialRegister register) {}
}
