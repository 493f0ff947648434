package io.github.distillcuda.emulator.library;

import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.Region;

/** Device memory as a library sees it: arrays at addresses, whose every byte is checked. */
final class DeviceArrays {
  private final EmulatedMemory memory;

  DeviceArrays(EmulatedMemory memory) {
    this.memory = memory;
  }

  /** Reads an array; throws if an element was never written. */
  float[] read(long address, ElementType type, int count) {
    return type.decode(readBytes(address, count * type.bytes()));
  }

  void write(long address, ElementType type, float[] values) {
    writeBytes(address, type.encode(values));
  }

  byte[] readBytes(long address, int length) {
    Region region = memory.regionNear(address, 0);
    return region.hostRead(offset(region, address), length);
  }

  void writeBytes(long address, byte[] bytes) {
    Region region = memory.regionNear(address, 0);
    region.hostWrite(offset(region, address), bytes);
  }

  /** What a workspace holds after its use is nobody's; one that holds something else loses it. */
  void scribble(long address, long length) {
    if (length > 0) {
      Region region = memory.regionNear(address, 0);
      region.hostForget(offset(region, address), Math.toIntExact(length));
    }
  }

  private static int offset(Region region, long address) {
    return Math.toIntExact(address - region.address());
  }
}
