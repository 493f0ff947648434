package io.github.distillcuda.emulator;

import io.github.distillcuda.emulator.machine.Counters;
import io.github.distillcuda.emulator.machine.Grid;
import io.github.distillcuda.emulator.machine.Traffic;
import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.Region;
import io.github.distillcuda.emulator.ptx.Instruction;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a launch did, counted exactly.
 *
 * @param warpInstructions instructions issued, one for each warp that executed one
 * @param threadInstructions the same, one for each lane
 * @param threadInstructionsByMnemonic the same, by mnemonic
 * @param executed the positions of the instructions that some lane executed
 * @param divergentBranches branches that parted the lanes of a warp
 * @param barriers block barriers passed, one for each block
 * @param traffic requests, sectors and bank conflicts
 * @param touched the distinct bytes of each global allocation that were read or written
 */
public record LaunchReport(
    long warpInstructions,
    long threadInstructions,
    Map<String, Long> threadInstructionsByMnemonic,
    BitSet executed,
    long divergentBranches,
    long barriers,
    Traffic traffic,
    Map<String, Touched> touched) {

  /** Distinct bytes of an allocation, however often they were touched. */
  public record Touched(long bytesRead, long bytesWritten) {}

  static LaunchReport of(Grid grid, EmulatedMemory memory) {
    Counters counters = grid.counters();
    List<Instruction> instructions = grid.program().entry().instructions();
    long warpInstructions = 0;
    long threadInstructions = 0;
    Map<String, Long> byMnemonic = new HashMap<>();
    BitSet executed = new BitSet(instructions.size());
    for (int i = 0; i < instructions.size(); i++) {
      warpInstructions += counters.warpInstructions(i);
      threadInstructions += counters.threadInstructions(i);
      if (counters.threadInstructions(i) > 0) {
        executed.set(i);
        byMnemonic.merge(instructions.get(i).mnemonic(), counters.threadInstructions(i), Long::sum);
      }
    }
    Map<String, Touched> touched = new LinkedHashMap<>();
    for (Region region : memory.live()) {
      if (region.bytesRead() + region.bytesWritten() > 0) {
        touched.merge(
            region.name(),
            new Touched(region.bytesRead(), region.bytesWritten()),
            (a, b) ->
                new Touched(a.bytesRead() + b.bytesRead(), a.bytesWritten() + b.bytesWritten()));
      }
    }
    return new LaunchReport(
        warpInstructions,
        threadInstructions,
        byMnemonic,
        executed,
        counters.divergentBranches(),
        counters.barriers(),
        grid.traffic(),
        touched);
  }

  /** Exponentials of all kinds: what limits a softmax that is not limited by memory. */
  public long exponentials() {
    return sumOf("ex2.");
  }

  /** Thread instructions whose mnemonic begins with {@code prefix}. */
  public long sumOf(String prefix) {
    return threadInstructionsByMnemonic.entrySet().stream()
        .filter(entry -> entry.getKey().startsWith(prefix))
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  /** Distinct bytes read, over all allocations. */
  public long bytesRead() {
    return touched.values().stream().mapToLong(Touched::bytesRead).sum();
  }

  /** Distinct bytes written, over all allocations. */
  public long bytesWritten() {
    return touched.values().stream().mapToLong(Touched::bytesWritten).sum();
  }
}
