package io.github.distillcuda.cuda.kernels;

/**
 * The shape of a launch. Grid and block have no third dimension here.
 *
 * @param gridX blocks
 * @param gridY blocks
 * @param blockX threads
 * @param blockY threads
 * @param sharedBytes dynamic shared memory of a block
 */
public record LaunchConfig(int gridX, int gridY, int blockX, int blockY, int sharedBytes) {
  /** Returns a one-dimensional launch without dynamic shared memory. */
  public static LaunchConfig of(long grid, int block) {
    return new LaunchConfig(Math.toIntExact(grid), 1, block, 1, 0);
  }

  /** Returns a launch of just enough blocks for {@code count} things. */
  public static LaunchConfig covering(long count, int perBlock, int block) {
    return of(Math.ceilDiv(count, perBlock), block);
  }

  /** Returns the threads of a block. */
  public int threads() {
    return blockX * blockY;
  }
}
