package io.github.distillcuda.emulator.machine;

import io.github.distillcuda.emulator.memory.AddressSpace;
import io.github.distillcuda.emulator.memory.ArraySpace;
import io.github.distillcuda.emulator.memory.Region;

/** The local memory of a warp: every lane has its own arrays, at the same addresses. */
final class LocalMemory implements AddressSpace {
  private final ArraySpace[] lanes = new ArraySpace[Warp.SIZE];

  LocalMemory(ArrayLayout layout) {
    for (int lane = 0; lane < Warp.SIZE; lane++) {
      lanes[lane] = layout.newLocalSpace();
    }
  }

  void beginBlock(long firstWarp) {
    for (ArraySpace lane : lanes) {
      lane.beginBlock(firstWarp);
    }
  }

  @Override
  public Region regionNear(long address, int lane) {
    return lanes[lane].regionNear(address, lane);
  }
}
