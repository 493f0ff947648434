package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.machine.RegisterFile;
import io.github.distillcuda.emulator.machine.SpecialRegister;
import io.github.distillcuda.emulator.ptx.PtxType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Gives each register and each constant that a kernel uses a row of the register file. */
final class RegisterAllocator {
  private final Map<String, PtxType> declared;
  private final Map<String, Integer> rows = new HashMap<>();
  private final Map<Long, Integer> wordConstants = new HashMap<>();
  private final Map<Long, Integer> wideConstants = new HashMap<>();
  private final List<RegisterFile.Constant> constants = new ArrayList<>();
  private final List<RegisterFile.Special> specials = new ArrayList<>();
  private int words;
  private int wides;
  private int predicates;

  RegisterAllocator(Map<String, PtxType> declared) {
    this.declared = declared;
  }

  RegisterFile finish() {
    return new RegisterFile(
        words, wides, predicates, List.copyOf(constants), List.copyOf(specials));
  }

  /** The declared type; special registers are 32 bits wide. Null if there is no such register. */
  PtxType typeOf(String register) {
    PtxType type = declared.get(register);
    return type == null && SpecialRegister.named(register).isPresent() ? PtxType.U32 : type;
  }

  int rowOf(String register) {
    return rows.computeIfAbsent(register, this::newRow);
  }

  private int newRow(String register) {
    PtxType type = typeOf(register);
    if (type == PtxType.PRED) {
      return predicates++;
    }
    if (type.bytes() == Long.BYTES) {
      return wides++;
    }
    if (!declared.containsKey(register)) {
      SpecialRegister special = SpecialRegister.named(register).orElseThrow();
      specials.add(new RegisterFile.Special(words, special));
    }
    return words++;
  }

  int wordConstant(long bits) {
    return wordConstants.computeIfAbsent(
        bits,
        b -> {
          constants.add(new RegisterFile.WordConstant(words, (int) (long) b));
          return words++;
        });
  }

  int wideConstant(long bits) {
    return wideConstants.computeIfAbsent(
        bits,
        b -> {
          constants.add(new RegisterFile.WideConstant(wides, b));
          return wides++;
        });
  }

  int predicateConstant(boolean value) {
    constants.add(new RegisterFile.PredicateConstant(predicates, value));
    return predicates++;
  }
}
