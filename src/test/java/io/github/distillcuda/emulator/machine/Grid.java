package io.github.distillcuda.emulator.machine;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.HappensBefore;
import io.github.distillcuda.emulator.memory.Region;
import io.github.distillcuda.emulator.memory.Stamp;

/** One launch while it runs: what all its blocks share. */
public final class Grid {
  private final Program program;
  private final WarpInstruction[] operations;
  private final ExecutionConfiguration config;
  private final Region parameters;
  private final EmulatedMemory memory;
  private final int clusterBlocks;
  private final int[] clusterOrder;
  private final int[] laneOrder;
  private final Counters counters;
  private final Traffic traffic = new Traffic();
  private final HappensBefore order = new HappensBefore(this::nameOfAccess);
  private long firstWarp;
  private long fuel;

  /**
   * @param parameters the kernel's parameter block
   */
  public Grid(
      Program program, ExecutionConfiguration config, Region parameters, EmulatedMemory memory) {
    this.program = program;
    this.operations = program.operations().toArray(new WarpInstruction[0]);
    this.config = config;
    this.parameters = parameters;
    this.memory = memory;
    this.clusterBlocks = program.entry().clusterBlocks();
    this.clusterOrder = config.order().of(Math.toIntExact(config.grid().count() / clusterBlocks));
    this.laneOrder = config.order().of(Warp.SIZE);
    this.fuel = config.fuel();
    this.counters = new Counters(operations.length);
  }

  /** Runs every cluster, one after the other; without clusters each block is one. */
  public void run() {
    long warpsPerCluster = (long) clusterBlocks * warpsPerBlock();
    firstWarp = memory.beginLaunch(clusterOrder.length * warpsPerCluster);
    Cluster cluster = new Cluster(this, clusterBlocks);
    for (int turn = 0; turn < clusterOrder.length; turn++) {
      cluster.run(clusterOrder[turn], firstWarp + turn * warpsPerCluster);
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

  /** Warps are numbered in the order in which blocks run, so that a larger number is later. */
  private String nameOfAccess(long warpSerial, int lane, int position) {
    int turn = (int) ((warpSerial - firstWarp) / warpsPerBlock());
    long blockIndex =
        (long) clusterOrder[turn / clusterBlocks] * clusterBlocks + turn % clusterBlocks;
    long warpInBlock = (warpSerial - firstWarp) % warpsPerBlock();
    Dim3 thread = config.block().at(warpInBlock * Warp.SIZE + lane);
    Dim3 block = config.grid().at(blockIndex);
    String source =
        position < Stamp.MAX_POSITION
            ? program.entry().instructions().get(position).source().toString()
            : "a line far behind";
    return "thread %s of block %s at %s".formatted(thread, block, source);
  }

  public Program program() {
    return program;
  }

  WarpInstruction[] operations() {
    return operations;
  }

  ExecutionConfiguration config() {
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
