package io.github.distillcuda.emulator.machine;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.HappensBefore;
import io.github.distillcuda.emulator.memory.Region;

/** One launch while it runs: what all its blocks share. */
public final class Grid {
  private final Program program;
  private final Operation[] operations;
  private final LaunchConfig config;
  private final Region parameters;
  private final EmulatedMemory memory;
  private final int[] laneOrder;
  private final Counters counters;
  private final Traffic traffic = new Traffic();
  private final HappensBefore order = new HappensBefore(this::nameOfThread);
  private long firstWarp;
  private long fuel;

  /**
   * @param parameters the kernel's parameter block
   */
  public Grid(Program program, LaunchConfig config, Region parameters, EmulatedMemory memory) {
    this.program = program;
    this.operations = program.operations().toArray(new Operation[0]);
    this.config = config;
    this.parameters = parameters;
    this.memory = memory;
    this.laneOrder = config.order().of(Warp.SIZE);
    this.fuel = config.fuel();
    this.counters = new Counters(operations.length);
  }

  /** Runs every block, one after the other. */
  public void run() {
    int blocks = Math.toIntExact(config.grid().count());
    firstWarp = memory.beginLaunch((long) blocks * warpsPerBlock());
    Block block = new Block(this);
    for (int blockNumber : config.order().of(blocks)) {
      block.run(blockNumber);
    }
  }

  void burnFuel(int instructions) {
    fuel -= instructions;
    if (fuel < 0) {
      throw EmulatorFault.ofLane(
          FaultKind.RUNAWAY, 0, "the launch has used up its fuel of warp instructions");
    }
  }

  int warpsPerBlock() {
    return Math.toIntExact((config.block().count() + Warp.SIZE - 1) / Warp.SIZE);
  }

  long firstWarpOf(int blockNumber) {
    return firstWarp + (long) blockNumber * warpsPerBlock();
  }

  private String nameOfThread(long warpSerial, int lane) {
    long warp = warpSerial - firstWarp;
    Dim3 thread = config.block().at(warp % warpsPerBlock() * Warp.SIZE + lane);
    return "thread " + thread + " of block " + config.grid().at(warp / warpsPerBlock());
  }

  public Program program() {
    return program;
  }

  Operation[] operations() {
    return operations;
  }

  LaunchConfig config() {
    return config;
  }

  Region parameters() {
    return parameters;
  }

  int[] laneOrder() {
    return laneOrder;
  }

  EmulatedMemory memory() {
    return memory;
  }

  HappensBefore order() {
    return order;
  }

  public Counters counters() {
    return counters;
  }

  public Traffic traffic() {
    return traffic;
  }
}
