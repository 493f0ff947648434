package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.machine.ArrayLayout;
import io.github.distillcuda.emulator.machine.Program;
import io.github.distillcuda.emulator.machine.WarpInstruction;
import io.github.distillcuda.emulator.ptx.Entry;
import io.github.distillcuda.emulator.ptx.Instruction;
import io.github.distillcuda.emulator.ptx.PtxFormatException;
import java.util.ArrayList;
import java.util.List;

/** Turns an entry into a program, instruction by instruction. */
public final class PtxDecoder {
  private PtxDecoder() {}

  /**
   * Decodes an entry.
   *
   * @param approximation what its approximate instructions return
   * @throws PtxFormatException at the first instruction that is not modelled
   */
  public static Program decode(Entry entry, Approximation approximation) {
    ArrayLayout arrays = new ArrayLayout(entry);
    RegisterAllocator registers = new RegisterAllocator(entry.registers());
    List<WarpInstruction> operations = new ArrayList<>();
    for (Instruction instruction : entry.instructions()) {
      OpTable.Decoder decoder =
          OpTable.find(instruction.mnemonic())
              .orElseThrow(
                  () ->
                      new PtxFormatException(
                          instruction.ptxLine(),
                          "instruction '" + instruction.mnemonic() + "' is not modelled"));
      Operands operands = new Operands(entry, arrays, registers, instruction);
      WarpInstruction operation = decoder.decode(operands, approximation);
      operations.add(
          instruction.guard().isPresent()
              ? guard(operation, operands.guard(), instruction.guard().get().negated())
              : operation);
    }
    checkThatItEnds(entry);
    return new Program(entry, List.copyOf(operations), registers.finish(), arrays);
  }

  private static WarpInstruction guard(WarpInstruction operation, int predicate, boolean negated) {
    int flip = negated ? -1 : 0;
    return operation instanceof ControlOps.Jump jump
        ? new ControlOps.Branch(predicate, flip, jump.target())
        : new ControlOps.Guarded(predicate, flip, operation);
  }

  /** Without this an entry whose last instruction falls through would run off its end. */
  private static void checkThatItEnds(Entry entry) {
    Instruction last = entry.instructions().getLast();
    boolean ends = List.of("ret", "exit", "trap", "bra", "bra.uni").contains(last.mnemonic());
    if (!ends || last.guard().isPresent()) {
      throw new PtxFormatException(last.ptxLine(), entry.name() + " does not end with ret");
    }
  }
}
