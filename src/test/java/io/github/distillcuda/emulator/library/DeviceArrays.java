package io.github.distillcuda.emulator.library;

import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.HostBytes;
import io.github.distillcuda.emulator.memory.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Device memory as a library sees it: arrays at addresses, whose every byte is checked. */
final class DeviceArrays {
  private final EmulatedMemory memory;

  DeviceArrays(EmulatedMemory memory) {
    this.memory = memory;
  }

  /** Reads an array; throws if an element was never written. */
  float[] read(long address, ElementType type, int count) {
    byte[] bytes = readBytes(address, count * type.bytes());
    if (type == ElementType.FLOAT32) {
      return HostBytes.toFloats(bytes);
    }
    ByteBuffer halves = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = ElementType.ofBfloat16(halves.getShort(2 * i));
    }
    return values;
  }

  void write(long address, ElementType type, float[] values) {
    if (type == ElementType.FLOAT32) {
      writeBytes(address, HostBytes.of(values));
      return;
    }
    ByteBuffer halves = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      halves.putShort(ElementType.toBfloat16(value));
    }
    writeBytes(address, halves.array());
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
