package io.github.distillcuda.emulator.machine;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.memory.ArraySpace;

/**
 * A block of threads: its warps, their shared memory and their barrier. Runs one block index after
 * the other, as a multiprocessor does.
 */
final class Block {
  private final Grid grid;
  private final Cluster cluster;
  private final int rank;
  private final Warp[] warps;
  private final int[] warpOrder;
  private final ArraySpace shared;
  private Dim3 index;
  private long firstWarp;
  private int epoch;

  Block(Grid grid, Cluster cluster, int rank) {
    this.grid = grid;
    this.cluster = cluster;
    this.rank = rank;
    shared = grid.program().arrays().newSharedSpace(grid.config().sharedBytes());
    warpOrder = grid.config().order().of(grid.warpsPerBlock());
    warps = new Warp[grid.warpsPerBlock()];
    for (int i = 0; i < warps.length; i++) {
      warps[i] = new Warp(this, grid, i);
    }
  }

  /**
   * Puts the block before its first instruction.
   *
   * @param firstOfBlock the serial number of its first warp
   * @param firstOfCluster the serial number of the first warp that can reach its shared memory
   */
  void begin(Dim3 blockIndex, long firstOfBlock, long firstOfCluster) {
    index = blockIndex;
    firstWarp = firstOfBlock;
    epoch = 0;
    shared.beginBlock(firstOfCluster);
    for (int i = 0; i < warps.length; i++) {
      warps[i].beginBlock(firstWarp + i);
    }
  }

  /** Runs until all warps have ended or wait for the cluster. */
  void run() {
    grid.order().enterBlock(firstWarp, warps.length, epoch);
    do {
      for (int i : warpOrder) {
        warps[i].run();
      }
    } while (passBarrier());
  }

  Dim3 index() {
    return index;
  }

  Cluster cluster() {
    return cluster;
  }

  int rank() {
    return rank;
  }

  ArraySpace shared() {
    return shared;
  }

  boolean hasEnded() {
    for (Warp warp : warps) {
      if (!warp.hasEnded()) {
        return false;
      }
    }
    return true;
  }

  boolean waitsForCluster() {
    for (Warp warp : warps) {
      if (warp.waitsForCluster()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Lets the warps go on that wait at the barrier.
   *
   * @return false if none does
   */
  private boolean passBarrier() {
    Warp waiting = null;
    for (Warp warp : warps) {
      if (warp.isAtBarrier()) {
        waiting = warp;
      }
    }
    if (waiting == null) {
      return false;
    }
    int lastEpoch = 0;
    for (Warp warp : warps) {
      checkSameBarrier(waiting, warp);
      lastEpoch = Math.max(lastEpoch, warp.epoch());
    }
    epoch = lastEpoch + 1;
    for (Warp warp : warps) {
      warp.passBlockBarrier(epoch);
    }
    grid.order().passBlockBarrier(epoch);
    grid.counters().countBarrier();
    return true;
  }

  /**
   * CUDA wants every thread of the block at the same barrier. The hardware only counts arrivals, so
   * that warps which pass two and three barriers may get through by luck, each at another line.
   */
  private static void checkSameBarrier(Warp waiting, Warp other) {
    if (other.barrierPosition() == waiting.barrierPosition()) {
      return;
    }
    String where = other.hasEnded() ? "has ended" : "waits at another one, " + other.siteOf(0);
    throw EmulatorFault.ofLane(
            FaultKind.DIVERGENT_BARRIER, 0, "thread " + other.threadIndex(0) + " " + where)
        .at(waiting.siteOf(0));
  }
}
