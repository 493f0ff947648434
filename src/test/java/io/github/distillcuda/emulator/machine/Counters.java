package io.github.distillcuda.emulator.machine;

/** What a launch has done so far. Instructions are counted where they stand in the program. */
public final class Counters {
  private final long[] warpInstructions;
  private final long[] threadInstructions;
  private long divergentBranches;
  private long barriers;

  Counters(int programLength) {
    warpInstructions = new long[programLength];
    threadInstructions = new long[programLength];
  }

  void countInstruction(int position, int lanes) {
    warpInstructions[position]++;
    threadInstructions[position] += Integer.bitCount(lanes);
  }

  /** Takes back an instruction that could not run yet and will be tried again. */
  void retractInstruction(int position, int lanes) {
    warpInstructions[position]--;
    threadInstructions[position] -= Integer.bitCount(lanes);
  }

  void countDivergentBranch() {
    divergentBranches++;
  }

  void countBarrier() {
    barriers++;
  }

  public long warpInstructions(int position) {
    return warpInstructions[position];
  }

  public long threadInstructions(int position) {
    return threadInstructions[position];
  }

  public long divergentBranches() {
    return divergentBranches;
  }

  public long barriers() {
    return barriers;
  }
}
