package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * {@code CUlaunchConfig}: a launch for the driver to judge, in its default stream and without
 * attributes. The size of a cluster need not be among those where the kernel itself declares it.
 */
final class CudaLaunchConfig {
  /** Bytes of the C structure. */
  static final long BYTES = 56;

  static final long GRID_OFFSET = 0;
  static final long BLOCK_OFFSET = 12;
  static final long SHARED_BYTES_OFFSET = 24;

  private CudaLaunchConfig() {}

  /** Makes the structure of a launch in one dimension. */
  static MemorySegment of(Arena arena, int gridX, int blockX, int sharedBytes) {
    MemorySegment config = arena.allocate(BYTES, Long.BYTES);
    setDimensions(config, GRID_OFFSET, gridX);
    setDimensions(config, BLOCK_OFFSET, blockX);
    config.set(JAVA_INT, SHARED_BYTES_OFFSET, sharedBytes);
    return config;
  }

  private static void setDimensions(MemorySegment config, long offset, int x) {
    config.set(JAVA_INT, offset, x);
    config.set(JAVA_INT, offset + 4, 1);
    config.set(JAVA_INT, offset + 8, 1);
  }
}
