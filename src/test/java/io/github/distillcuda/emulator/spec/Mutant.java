package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.emulator.EmulatedKernel;
import io.github.distillcuda.emulator.ptx.Entry;
import io.github.distillcuda.emulator.ptx.Instruction;
import java.util.ArrayList;
import java.util.List;

/**
 * A shipped kernel with one instruction changed.
 *
 * @param entry the kernel as it ships
 * @param position of the instruction
 * @param mutation what was done to it
 * @param source the line of CUDA that it comes from, without its indentation
 * @param ordinal how many instructions of that line come before it that the same can be done to
 * @param changed the instruction that takes its place
 */
record Mutant(
    Entry entry, int position, String mutation, String source, int ordinal, Instruction changed) {

  /** What names the mutant in the table of survivors: kernel, mutation and line of source. */
  String name() {
    String which = ordinal == 0 ? "" : " " + (ordinal + 1);
    return entry.name() + " | " + mutation + which + " | " + source;
  }

  EmulatedKernel kernel() {
    List<Instruction> instructions = new ArrayList<>(entry.instructions());
    instructions.set(position, changed);
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
