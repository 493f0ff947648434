package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.emulator.EmulatedKernel;
import io.github.distillcuda.emulator.ptx.Entry;
import io.github.distillcuda.emulator.ptx.Instruction;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A shipped kernel with one mistake.
 *
 * @param entry the kernel as it ships
 * @param position of the instruction that is changed, or the first of them
 * @param mutation what was done to it
 * @param source the line of CUDA that it comes from, without its indentation
 * @param ordinal how many instructions of that line come before it that the same can be done to
 * @param changed the instructions that take the places of others, by position
 */
record Mutant(
    Entry entry,
    int position,
    String mutation,
    String source,
    int ordinal,
    Map<Integer, Instruction> changed) {

  /** What names the mutant in the table of survivors: kernel, mutation and line of source. */
  String name() {
    String which = ordinal == 0 ? "" : " " + (ordinal + 1);
    return entry.name() + " | " + mutation + which + " | " + source;
  }

  EmulatedKernel kernel() {
    List<Instruction> instructions = new ArrayList<>(entry.instructions());
    changed.forEach(instructions::set);
    return new EmulatedKernel(
        new Entry(
            entry.name(),
            entry.parameters(),
            entry.registers(),
            entry.variables(),
            List.copyOf(instructions),
            entry.labels(),
            entry.maxThreads(),
            entry.clusterBlocks()));
  }
}
