package io.github.distillcuda.emulator.memory;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The device's global memory. It outlives launches; a freed allocation is remembered by name. */
public final class EmulatedMemory implements AddressSpace {
  private final List<Region> regions = new ArrayList<>();
  private final List<Region> live = new ArrayList<>();
  private long nextWarp = 1;
  private Footprint footprint;

  /**
   * Reserves memory, uninitialised.
   *
   * @param name what a fault calls it
   */
  public Region allocate(String name, int bytes) {
    Region region = new Region(name, AddressMap.globalAddress(regions.size()), bytes, this);
    regions.add(region);
    live.add(region);
    return region;
  }

  public void free(Region region) {
    if (!live.remove(region)) {
      throw EmulatorFault.ofHost(FaultKind.USE_AFTER_FREE, region.name() + " is freed twice");
    }
    region.free();
  }

  /** What has been allocated and not freed. */
  public List<Region> live() {
    return Collections.unmodifiableList(live);
  }

  @Override
  public Region regionNear(long address, int lane) {
    long index = AddressMap.globalIndex(address);
    if (index < 0 || index >= regions.size()) {
      throw EmulatorFault.ofLane(
          FaultKind.WILD_ADDRESS, lane, "no allocation is near address 0x%x".formatted(address));
    }
    return regions.get((int) index);
  }

  /** Does work and returns what it touched, whoever did it: threads, copies, libraries. */
  public Footprint footprintOf(Runnable work) {
    footprint = new Footprint();
    try {
      work.run();
      return footprint;
    } finally {
      footprint = null;
    }
  }

  void noteRead(Region region, int offset, int length) {
    if (footprint != null) {
      footprint.addRead(region, offset, length);
    }
  }

  void noteWrite(Region region, int offset, int length) {
    if (footprint != null) {
      footprint.addWrite(region, offset, length);
    }
  }

  /**
   * Starts a launch of so many warps and returns the serial number of its first; the counts of
   * distinct bytes begin anew.
   */
  public long beginLaunch(long warps) {
    long first = nextWarp;
    nextWarp += warps;
    if (nextWarp > Stamp.MAX_WARP_SERIAL) {
      throw EmulatorFault.ofHost(
          FaultKind.NOT_MODELLED, "more than 2^31 warps in the life of one memory");
    }
    live.forEach(region -> region.beginLaunch(Stamp.ofWarp(first, 0)));
    return first;
  }
}
