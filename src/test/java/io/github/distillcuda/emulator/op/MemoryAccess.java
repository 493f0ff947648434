package io.github.distillcuda.emulator.op;

import io.github.distillcuda.emulator.machine.Traffic;
import io.github.distillcuda.emulator.machine.Warp;
import io.github.distillcuda.emulator.machine.WarpInstruction;
import io.github.distillcuda.emulator.memory.AddressMap;
import io.github.distillcuda.emulator.memory.AddressSpace;
import io.github.distillcuda.emulator.memory.Region;
import java.util.Optional;

/**
 * An instruction that touches memory: it works out the addresses, counts the request, finds and
 * checks each lane's bytes, and leaves the rest to its subclass.
 */
abstract class MemoryAccess implements WarpInstruction {
  private final Optional<Space> space;
  private final AddressOperand address;
  private final int width;

  /**
   * @param space empty for a generic address
   * @param width bytes a lane
   */
  MemoryAccess(Optional<Space> space, AddressOperand address, int width) {
    this.space = space;
    this.address = address;
    this.width = width;
  }

  /** What this access counts as. */
  abstract Traffic.Kind kind(Space accessed);

  /** Does the access of one lane, within bounds and aligned. */
  abstract void access(Warp warp, int lane, Region region, int offset);

  final int width() {
    return width;
  }

  @Override
  public final int execute(Warp warp, int lanes) {
    address.resolve(warp, lanes);
    if (space.isPresent()) {
      accessIn(space.get(), warp, lanes);
    } else {
      accessGeneric(warp, lanes);
    }
    return lanes;
  }

  /** Generic addresses say by their range which space they mean, each lane for itself. */
  private void accessGeneric(Warp warp, int lanes) {
    int rest = lanes;
    while (rest != 0) {
      Space common = Space.ofGeneric(warp.addresses[Integer.numberOfTrailingZeros(rest)]);
      int inCommon = 0;
      for (int others = rest; others != 0; others &= others - 1) {
        int lane = Integer.numberOfTrailingZeros(others);
        if (Space.ofGeneric(warp.addresses[lane]) == common) {
          warp.addresses[lane] -= common.window();
          inCommon |= 1 << lane;
        }
      }
      accessIn(common, warp, inCommon);
      rest &= ~inCommon;
    }
  }

  private void accessIn(Space accessed, Warp warp, int lanes) {
    if (accessed == Space.CLUSTER) {
      accessCluster(warp, lanes);
      return;
    }
    AddressSpace memory = accessed.of(warp);
    warp.traffic().count(kind(accessed), warp.addresses, lanes, width);
    accessLanes(warp, lanes, memory);
  }

  /** Addresses of the own block are shared addresses; the others say whose they are. */
  private void accessCluster(Warp warp, int lanes) {
    int own = 0;
    for (int rest = lanes; rest != 0; rest &= rest - 1) {
      int lane = Integer.numberOfTrailingZeros(rest);
      own |= AddressMap.rankOf(warp.addresses[lane]) < 0 ? 1 << lane : 0;
    }
    if (own != 0) {
      accessIn(Space.SHARED, warp, own);
    }
    int others = lanes & ~own;
    if (others != 0) {
      warp.traffic().count(kind(Space.CLUSTER), warp.addresses, others, width);
    }
    for (int rest = others; rest != 0; rest &= rest - 1) {
      int lane = Integer.numberOfTrailingZeros(rest);
      Region region = warp.clusterRegionNear(warp.addresses[lane], lane);
      long address = AddressMap.withinBlock(warp.addresses[lane]);
      access(warp, lane, region, region.locate(address, width, lane));
    }
  }

  /** Does the lanes' accesses one after the other. */
  void accessLanes(Warp warp, int lanes, AddressSpace memory) {
    for (int rest = lanes; rest != 0; rest &= rest - 1) {
      accessLane(warp, Integer.numberOfTrailingZeros(rest), memory);
    }
  }

  final void accessLane(Warp warp, int lane, AddressSpace memory) {
    long laneAddress = warp.addresses[lane];
    Region region = memory.regionNear(laneAddress, lane);
    access(warp, lane, region, region.locate(laneAddress, width, lane));
  }
}
