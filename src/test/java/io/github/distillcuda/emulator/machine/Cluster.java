package io.github.distillcuda.emulator.machine;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.memory.AddressMap;
import io.github.distillcuda.emulator.memory.Region;

/**
 * Blocks that run at the same time, reach each other's shared memory and have a barrier of their
 * own, at which threads arrive and wait by two instructions. A launch without clusters has clusters
 * of one block. Runs one cluster index after the other.
 */
final class Cluster {
  private final Grid grid;
  private final Block[] blocks;
  private final int[] blockOrder;

  /** Barriers that all threads have arrived at. */
  private int completed;

  Cluster(Grid grid, int size) {
    this.grid = grid;
    blocks = new Block[size];
    for (int rank = 0; rank < size; rank++) {
      blocks[rank] = new Block(grid, this, rank);
    }
    blockOrder = grid.config().order().of(size);
  }

  /**
   * Runs a cluster to its end.
   *
   * @param firstWarp the serial number of its first warp
   */
  void run(int index, long firstWarp) {
    completed = 0;
    int warpsPerBlock = grid.warpsPerBlock();
    grid.order().enterCluster(firstWarp, blocks.length * warpsPerBlock);
    for (Block block : blocks) {
      long blockIndex = (long) index * blocks.length + block.rank();
      long firstOfBlock = firstWarp + (long) block.rank() * warpsPerBlock;
      block.begin(grid.config().grid().at(blockIndex), firstOfBlock, firstWarp);
    }
    do {
      for (int rank : blockOrder) {
        blocks[rank].run();
      }
    } while (completeBarrier());
  }

  int size() {
    return blocks.length;
  }

  int completed() {
    return completed;
  }

  /**
   * Lets the warps go on that wait for the cluster.
   *
   * @return false if all have ended
   */
  private boolean completeBarrier() {
    for (Block block : blocks) {
      if (block.waitsForCluster()) {
        completed++; // whoever has not ended waits too, and has arrived before
        return true;
      }
    }
    return false;
  }

  /** The array at an address of the cluster's shared memory, while its block surely runs. */
  Region regionNear(long clusterAddress, int lane) {
    int rank = AddressMap.rankOf(clusterAddress);
    if (rank < 0 || rank >= blocks.length) {
      throw EmulatorFault.ofLane(
          FaultKind.WILD_ADDRESS,
          lane,
          "no block of the cluster has address 0x%x".formatted(clusterAddress));
    }
    if (completed == 0) {
      throw EmulatorFault.ofLane(
          FaultKind.BLOCK_NOT_THERE,
          lane,
          "block %s may not run yet: the cluster has met at no barrier"
              .formatted(blocks[rank].index()));
    }
    if (blocks[rank].hasEnded()) {
      throw EmulatorFault.ofLane(
          FaultKind.BLOCK_NOT_THERE, lane, "block %s has ended".formatted(blocks[rank].index()));
    }
    return blocks[rank].shared().regionNear(AddressMap.withinBlock(clusterAddress), lane);
  }
}
