package io.github.distillcuda.emulator;

import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.machine.Program;
import io.github.distillcuda.emulator.op.PtxDecoder;
import io.github.distillcuda.emulator.ptx.Entry;
import io.github.distillcuda.emulator.ptx.Parameter;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** A kernel of a loaded module. */
public final class EmulatedKernel {
  private final Entry entry;
  private final Map<Approximation, Program> programs = new EnumMap<>(Approximation.class);

  /**
   * Makes a kernel of an entry: one that was parsed, or a mutant of it.
   *
   * @throws io.github.distillcuda.emulator.ptx.PtxFormatException at the first instruction that is
   *     not modelled
   */
  public EmulatedKernel(Entry entry) {
    this.entry = entry;
    program(
        Approximation.EXACT); // fails now, not at the first launch, if something is not modelled
  }

  public String name() {
    return entry.name();
  }

  public List<Parameter> parameters() {
    return entry.parameters();
  }

  /** The largest block that the kernel was compiled for. */
  public int maxThreads() {
    return entry.maxThreads();
  }

  /** Blocks of a cluster; 1 for a kernel without. */
  public int clusterBlocks() {
    return entry.clusterBlocks();
  }

  Program program(Approximation approximation) {
    return programs.computeIfAbsent(approximation, mode -> PtxDecoder.decode(entry, mode));
  }
}
