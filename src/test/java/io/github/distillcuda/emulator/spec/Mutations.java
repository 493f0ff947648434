package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.emulator.ptx.Entry;
import io.github.distillcuda.emulator.ptx.Instruction;
import io.github.distillcuda.emulator.ptx.Operand;
import io.github.distillcuda.emulator.ptx.PtxType;
import io.github.distillcuda.emulator.ptx.SourceLine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongUnaryOperator;

/** The mistakes that authors of kernels make, one instruction or cluster barrier each. */
final class Mutations {
  private static final Map<String, List<String>> SOURCES = new ConcurrentHashMap<>();

  /** Does nothing, in the place of an instruction that is taken out. */
  private static final String NOTHING = "membar.cta";

  /** Opposite comparisons; those of floats part where one side is NaN. */
  private static final Map<String, String> OPPOSITES =
      Map.ofEntries(
          Map.entry("eq", "ne"),
          Map.entry("ne", "eq"),
          Map.entry("lt", "ge"),
          Map.entry("ge", "lt"),
          Map.entry("le", "gt"),
          Map.entry("gt", "le"),
          Map.entry("geu", "lt"),
          Map.entry("gtu", "le"),
          Map.entry("leu", "gt"),
          Map.entry("ltu", "ge"),
          Map.entry("neu", "eq"),
          Map.entry("equ", "ne"),
          Map.entry("nan", "num"));

  /** The same bound, one further or one less far. */
  private static final Map<String, String> SHIFTED =
      Map.of("lt", "le", "le", "lt", "gt", "ge", "ge", "gt");

  private static final Set<String> INTEGER_ARITHMETIC =
      Set.of("add", "sub", "mul", "mad", "shl", "shr", "and", "div", "rem");

  private static final Set<String> FLOAT_ARITHMETIC = Set.of("add", "sub", "mul", "fma", "div");

  /** Makes the changed instruction, if the mutation applies. */
  private interface Rule {
    Optional<Instruction> apply(Instruction instruction);
  }

  private static final Map<String, Rule> RULES =
      Map.ofEntries(
          Map.entry("barrier removed", Mutations::withoutBarrier),
          Map.entry("shuffle from another lane", Mutations::fromAnotherLane),
          Map.entry("in the first block", Mutations::inFirstBlock),
          Map.entry("last lane not a member", Mutations::withoutLastLane),
          Map.entry("bound shifted", Mutations::withShiftedBound),
          Map.entry("comparison reversed", Mutations::reversed),
          Map.entry("branch never taken", Mutations::notTaken),
          Map.entry("next element", Mutations::atNextElement),
          Map.entry("integer constant plus 1", Mutations::withNextInteger),
          Map.entry("another divisor", Mutations::withAnotherDivisor),
          Map.entry("float constant doubled", Mutations::withDoubledFloat),
          Map.entry("selection swapped", Mutations::selectingTheOther));

  private Mutations() {}

  /** Every mutant of a kernel. */
  static List<Mutant> of(Entry entry) {
    List<Mutant> mutants = new ArrayList<>();
    for (Map.Entry<String, Rule> rule : RULES.entrySet()) {
      Map<String, Integer> ordinals = new HashMap<>();
      for (int i = 0; i < entry.instructions().size(); i++) {
        Instruction instruction = entry.instructions().get(i);
        String source = text(instruction.source());
        int position = i;
        rule.getValue()
            .apply(instruction)
            .ifPresent(
                changed ->
                    mutants.add(
                        new Mutant(
                            entry,
                            position,
                            rule.getKey(),
                            source,
                            ordinals.merge(source, 1, Integer::sum) - 1,
                            Map.of(position, changed))));
      }
    }
    mutants.addAll(withoutClusterBarrier(entry));
    return mutants;
  }

  /** Both halves are left out: one of them alone would be missed at once. */
  private static List<Mutant> withoutClusterBarrier(Entry entry) {
    List<Mutant> mutants = new ArrayList<>();
    int arrival = -1;
    for (int i = 0; i < entry.instructions().size(); i++) {
      Instruction instruction = entry.instructions().get(i);
      if (instruction.mnemonic().startsWith("barrier.cluster.arrive")) {
        arrival = i;
      } else if (instruction.mnemonic().startsWith("barrier.cluster.wait")) {
        mutants.add(
            new Mutant(
                entry,
                arrival,
                "cluster barrier removed",
                "barrier " + (mutants.size() + 1),
                0,
                Map.of(
                    arrival, nothing(entry.instructions().get(arrival)), i, nothing(instruction))));
      }
    }
    return mutants;
  }

  /** The line itself; of NVIDIA's own headers, which are not here, its place. */
  private static String text(SourceLine line) {
    if (!line.file().startsWith("kernels/")) {
      return line.file() + ":" + line.line();
    }
    return SOURCES.computeIfAbsent(line.file(), Mutations::linesOf).get(line.line() - 1).strip();
  }

  private static List<String> linesOf(String file) {
    try {
      return Files.readAllLines(Path.of(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Optional<Instruction> withoutBarrier(Instruction instruction) {
    boolean isBarrier = instruction.mnemonic().startsWith("bar"); // bar.sync, barrier.cluster.wait
    return isBarrier ? Optional.of(nothing(instruction)) : Optional.empty();
  }

  private static Optional<Instruction> notTaken(Instruction instruction) {
    boolean conditional =
        instruction.mnemonic().startsWith("bra") && instruction.guard().isPresent();
    return conditional ? Optional.of(nothing(instruction)) : Optional.empty();
  }

  private static Instruction nothing(Instruction instruction) {
    return new Instruction(
        Optional.empty(), NOTHING, List.of(), instruction.ptxLine(), instruction.source());
  }

  /**
   * A butterfly over half the distance, or over 2 instead of 1; lane 0 instead of a certain lane.
   */
  private static Optional<Instruction> fromAnotherLane(Instruction instruction) {
    if (!instruction.mnemonic().startsWith("shfl.")) {
      return Optional.empty();
    }
    long other =
        instruction.operands().get(2) instanceof Operand.Immediate(long distance)
            ? distance == 1 ? 2 : distance / 2
            : 0;
    return Optional.of(withOperand(instruction, 2, new Operand.Immediate(other)));
  }

  /** What is meant for another block of the cluster. */
  private static Optional<Instruction> inFirstBlock(Instruction instruction) {
    return instruction.mnemonic().startsWith("mapa.")
        ? Optional.of(withOperand(instruction, 2, new Operand.Immediate(0)))
        : Optional.empty();
  }

  private static Optional<Instruction> withoutLastLane(Instruction instruction) {
    boolean hasMembers =
        instruction.mnemonic().startsWith("shfl.") || instruction.mnemonic().startsWith("vote.");
    int last = instruction.operands().size() - 1;
    return hasMembers
        ? Optional.of(withOperand(instruction, last, new Operand.Immediate(0x7fffffff)))
        : Optional.empty();
  }

  private static Optional<Instruction> withShiftedBound(Instruction instruction) {
    return isFloat(instruction) ? Optional.empty() : compare(instruction, SHIFTED);
  }

  private static Optional<Instruction> reversed(Instruction instruction) {
    return compare(instruction, OPPOSITES);
  }

  private static Optional<Instruction> compare(
      Instruction instruction, Map<String, String> relations) {
    String[] parts = instruction.mnemonic().split("\\.");
    if (!parts[0].equals("setp") || !relations.containsKey(parts[1])) {
      return Optional.empty();
    }
    parts[1] = relations.get(parts[1]);
    return Optional.of(
        new Instruction(
            instruction.guard(),
            String.join(".", parts),
            instruction.operands(),
            instruction.ptxLine(),
            instruction.source()));
  }

  private static Optional<Instruction> atNextElement(Instruction instruction) {
    String[] parts = instruction.mnemonic().split("\\.");
    boolean accesses =
        (parts[0].equals("ld") || parts[0].equals("st")) && !parts[1].equals("param");
    if (!accesses) {
      return Optional.empty();
    }
    int element = PtxType.ofDirective("." + parts[parts.length - 1]).orElseThrow().bytes();
    int count =
        instruction.mnemonic().contains(".v4.") ? 4 : parts[parts.length - 2].equals("v2") ? 2 : 1;
    int at = parts[0].equals("ld") ? 1 : 0;
    Operand.Address address = (Operand.Address) instruction.operands().get(at);
    return Optional.of(
        withOperand(
            instruction,
            at,
            new Operand.Address(address.base(), address.offset() + (long) element * count)));
  }

  private static Optional<Instruction> withNextInteger(Instruction instruction) {
    return isFloat(instruction) || isDivision(instruction)
        ? Optional.empty()
        : withConstant(instruction, INTEGER_ARITHMETIC, bits -> bits + 1);
  }

  /**
   * A division by a constant is a multiplication by its inverse, scaled; whose last digit only
   * numbers of more than 30 bits need.
   */
  private static Optional<Instruction> withAnotherDivisor(Instruction instruction) {
    return isDivision(instruction)
        ? withConstant(instruction, INTEGER_ARITHMETIC, bits -> (int) bits / 2)
        : Optional.empty();
  }

  private static boolean isDivision(Instruction instruction) {
    return instruction.mnemonic().startsWith("mul.hi.");
  }

  /** One more in the exponent. */
  private static Optional<Instruction> withDoubledFloat(Instruction instruction) {
    return instruction.mnemonic().endsWith(".f32")
        ? withConstant(instruction, FLOAT_ARITHMETIC, bits -> bits + (1L << 23))
        : Optional.empty();
  }

  /** Changes the last operand that is a number. */
  private static Optional<Instruction> withConstant(
      Instruction instruction, Set<String> operations, LongUnaryOperator change) {
    String operation = instruction.mnemonic().split("\\.")[0];
    for (int i = instruction.operands().size() - 1; i > 0 && operations.contains(operation); i--) {
      if (instruction.operands().get(i) instanceof Operand.Immediate(long bits) && bits != 0) {
        return Optional.of(
            withOperand(instruction, i, new Operand.Immediate(change.applyAsLong(bits))));
      }
    }
    return Optional.empty();
  }

  private static Optional<Instruction> selectingTheOther(Instruction instruction) {
    if (!instruction.mnemonic().startsWith("selp.")) {
      return Optional.empty();
    }
    Operand first = instruction.operands().get(1);
    return Optional.of(
        withOperand(withOperand(instruction, 1, instruction.operands().get(2)), 2, first));
  }

  private static boolean isFloat(Instruction instruction) {
    return instruction.mnemonic().endsWith(".f32") || instruction.mnemonic().endsWith(".f64");
  }

  private static Instruction withOperand(Instruction instruction, int index, Operand operand) {
    List<Operand> operands = new ArrayList<>(instruction.operands());
    operands.set(index, operand);
    return new Instruction(
        instruction.guard(),
        instruction.mnemonic(),
        List.copyOf(operands),
        instruction.ptxLine(),
        instruction.source());
  }
}
