package io.github.distillcuda.emulator.machine;

/** What one instruction does to a warp; decoded once, executed many times. */
@FunctionalInterface
public interface WarpInstruction {
  /**
   * Executes for the given lanes.
   *
   * @param lanes one bit a lane, never 0
   * @return the lanes that go on to the next instruction; the others have branched, ended or wait
   */
  int execute(Warp warp, int lanes);
}
