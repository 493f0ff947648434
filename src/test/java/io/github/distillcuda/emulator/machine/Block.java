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
  private final Warp[] warps;
  private final int[] warpOrder;
  private final ArraySpace shared;
  private Dim3 index;

  Block(Grid grid) {
    this.grid = grid;
    shared = grid.program().arrays().newSharedSpace(grid.config().sharedBytes());
    warpOrder = grid.config().order().of(grid.warpsPerBlock());
    warps = new Warp[grid.warpsPerBlock()];
    for (int i = 0; i < warps.length; i++) {
      warps[i] = new Warp(this, grid, i);
    }
  }

  /**
   * Runs a block to its end.
   *
   * @param firstWarp the serial number of its first warp
   */
  void run(Dim3 blockIndex, long firstWarp) {
    index = blockIndex;
    grid.order().enterBlock(firstWarp, warps.length);
    shared.beginBlock(firstWarp);
    for (int i = 0; i < warps.length; i++) {
      warps[i].beginBlock(firstWarp + i);
    }
    do {
      for (int i : warpOrder) {
        warps[i].run();
      }
    } while (passBarrier());
  }

  Dim3 index() {
    return index;
  }

  ArraySpace shared() {
    return shared;
  }

  /**
   * Lets the warps go on that wait at the barrier.
   *
   * @return false if all have ended
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
    for (Warp warp : warps) {
      warp.passBlockBarrier(lastEpoch + 1);
    }
    grid.order().passBlockBarrier(lastEpoch + 1);
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
