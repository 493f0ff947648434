package io.github.distillcuda.emulator.memory;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import java.util.ArrayList;
import java.util.List;

/**
 * The shared memory of a block, or the local memory of a thread: the arrays that the kernel
 * declares, each apart from the others, so that running over one's end is not a write into its
 * neighbour but a fault. Made once per launch; a new block finds it uninitialised.
 */
public final class ArraySpace implements AddressSpace {
  private final String spaceName;
  private final List<Region> arrays = new ArrayList<>();

  public ArraySpace(String spaceName) {
    this.spaceName = spaceName;
  }

  /** Adds an array at {@link AddressMap#arrayAddress}, counted from 0. */
  public void add(String name, int bytes) {
    arrays.add(new Region(name, AddressMap.arrayAddress(arrays.size()), bytes, null));
  }

  /** Makes the content uninitialised for the block whose warps begin at this serial number. */
  public void beginBlock(long firstWarp) {
    for (Region array : arrays) {
      array.beginBlock(Stamp.ofWarp(firstWarp, 0));
    }
  }

  @Override
  public Region regionNear(long address, int lane) {
    long index = AddressMap.arrayIndex(address);
    if (index < 0 || index >= arrays.size()) {
      throw EmulatorFault.ofLane(
          FaultKind.WILD_ADDRESS,
          lane,
          "no %s array is near address 0x%x".formatted(spaceName, address));
    }
    return arrays.get((int) index);
  }
}
