package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.machine.ArrayLayout;
import io.github.distillcuda.emulator.ptx.Entry;
import io.github.distillcuda.emulator.ptx.Instruction;
import io.github.distillcuda.emulator.ptx.Operand;
import io.github.distillcuda.emulator.ptx.Parameter;
import io.github.distillcuda.emulator.ptx.PtxFormatException;
import io.github.distillcuda.emulator.ptx.PtxType;
import java.util.List;
import java.util.function.Predicate;

/** The operands of one instruction, asked for by position and turned into register rows. */
final class Operands {
  private final Entry entry;
  private final ArrayLayout arrays;
  private final RegisterAllocator registers;
  private final Instruction instruction;

  Operands(Entry entry, ArrayLayout arrays, RegisterAllocator registers, Instruction instruction) {
    this.entry = entry;
    this.arrays = arrays;
    this.registers = registers;
    this.instruction = instruction;
  }

  int count() {
    return instruction.operands().size();
  }

  Operand get(int index) {
    if (index >= count()) {
      throw bad("operand " + index + " is missing");
    }
    return instruction.operands().get(index);
  }

  /** The word row of a register, constant or 32-bit address. */
  int word(int index) {
    return word(get(index));
  }

  int word(Operand operand) {
    return switch (operand) {
      case Operand.Register register ->
          row(register, type -> type.bytes() >= 1 && type.bytes() <= Integer.BYTES);
      case Operand.Immediate immediate -> registers.wordConstant(immediate.bits());
      case Operand.Symbol symbol -> registers.wordConstant(addressOf(symbol));
      default -> throw bad("a 32-bit operand cannot be " + operand);
    };
  }

  /** The wide row of a register, constant or 64-bit address. */
  int wide(int index) {
    return wide(get(index));
  }

  int wide(Operand operand) {
    return switch (operand) {
      case Operand.Register register -> row(register, type -> type.bytes() == Long.BYTES);
      case Operand.Immediate immediate -> registers.wideConstant(immediate.bits());
      case Operand.Symbol symbol -> registers.wideConstant(addressOf(symbol));
      default -> throw bad("a 64-bit operand cannot be " + operand);
    };
  }

  /** The row of a predicate register or constant. */
  int predicate(int index) {
    return predicate(get(index));
  }

  int predicate(Operand operand) {
    return switch (operand) {
      case Operand.Register register -> row(register, type -> type == PtxType.PRED);
      case Operand.Immediate immediate -> registers.predicateConstant(immediate.bits() != 0);
      default -> throw bad("a predicate cannot be " + operand);
    };
  }

  /** The predicate that guards the instruction. */
  int guard() {
    return predicate(new Operand.Register(instruction.guard().orElseThrow().predicate()));
  }

  /** The declared type of a register operand. */
  PtxType registerType(Operand operand) {
    if (operand instanceof Operand.Register register
        && registers.typeOf(register.name()) instanceof PtxType type) {
      return type;
    }
    throw bad(operand + " is not a declared register");
  }

  int registerBytes(int index) {
    return registerType(get(index)).bytes();
  }

  /** The elements of a vector operand; the operand itself if it is a scalar. */
  List<Operand> elements(int index) {
    return get(index) instanceof Operand.Vector vector ? vector.elements() : List.of(get(index));
  }

  AddressOperand address(int index) {
    if (!(get(index) instanceof Operand.Address address)) {
      throw bad("an address is expected, not " + get(index));
    }
    Operand base = address.base();
    boolean isWord =
        base instanceof Operand.Register register
            && registers.typeOf(register.name()) instanceof PtxType type
            && type.bytes() == Integer.BYTES;
    return isWord
        ? new AddressOperand.OfWord(word(base), address.offset())
        : new AddressOperand.OfWide(wide(base), address.offset());
  }

  /** The offset in the parameter block of {@code [parameter+offset]}. */
  int parameterOffset(int index) {
    if (get(index) instanceof Operand.Address(Operand.Symbol(String name), long offset)) {
      for (Parameter parameter : entry.parameters()) {
        if (parameter.name().equals(name)) {
          return parameter.offset() + Math.toIntExact(offset);
        }
      }
    }
    throw bad("a parameter is expected, not " + get(index));
  }

  /** The position in the program of a label. */
  int target(int index) {
    if (get(index) instanceof Operand.Symbol(String label)
        && entry.labels().get(label) instanceof Integer position) {
      return position;
    }
    throw bad("a label is expected, not " + get(index));
  }

  /** An operand that PTX wants to be a number. */
  long immediate(int index) {
    if (get(index) instanceof Operand.Immediate(long bits)) {
      return bits;
    }
    throw bad("a number is expected, not " + get(index));
  }

  PtxFormatException bad(String problem) {
    return new PtxFormatException(instruction.ptxLine(), instruction.mnemonic() + ": " + problem);
  }

  private int row(Operand.Register register, Predicate<PtxType> fits) {
    PtxType type = registers.typeOf(register.name());
    if (type == null) {
      throw bad("register " + register.name() + " is not modelled");
    }
    if (!fits.test(type)) {
      throw bad("register " + register.name() + " has the wrong size");
    }
    return registers.rowOf(register.name());
  }

  private long addressOf(Operand.Symbol symbol) {
    return arrays
        .addressOf(symbol.name())
        .orElseThrow(() -> bad("'" + symbol.name() + "' is not a variable"));
  }
}
