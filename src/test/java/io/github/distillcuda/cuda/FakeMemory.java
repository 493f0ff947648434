package io.github.distillcuda.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Device memory on the host, at addresses that are no addresses of the host. */
final class FakeMemory {
  private static final long ALIGNMENT = 256;

  private final Arena arena = Arena.ofAuto();
  private final TreeMap<Long, MemorySegment> blocks = new TreeMap<>();
  private long next = 0x7f00_0000_0000L;

  long allocate(long byteSize) {
    long address = next;
    // A gap, so that one buffer never reaches into the next unnoticed.
    next += Math.ceilDiv(byteSize + 1, ALIGNMENT) * ALIGNMENT;
    blocks.put(address, arena.allocate(byteSize));
    return address;
  }

  void free(long address) {
    blocks.remove(address);
  }

  /** Returns a range of one block, if there is one that has it. */
  Optional<MemorySegment> range(long address, long byteSize) {
    Map.Entry<Long, MemorySegment> block = blocks.floorEntry(address);
    return block == null || address - block.getKey() + byteSize > block.getValue().byteSize()
        ? Optional.empty()
        : Optional.of(block.getValue().asSlice(address - block.getKey(), byteSize));
  }
}
