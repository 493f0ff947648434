package io.github.distillcuda.emulator.ptx;

import java.util.List;
import java.util.Optional;

/**
 * One instruction as written.
 *
 * @param mnemonic with all its modifiers: {@code ld.global.nc.v4.f32}
 * @param ptxLine where it stands in the PTX text, from 1
 * @param source where it stands in the CUDA source
 */
public record Instruction(
    Optional<Guard> guard,
    String mnemonic,
    List<Operand> operands,
    int ptxLine,
    SourceLine source) {

  /** {@code @p} or {@code @!p}: the lanes that execute the instruction at all. */
  public record Guard(String predicate, boolean negated) {}
}
