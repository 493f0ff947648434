package io.github.distillcuda.emulator.machine;

/**
 * How a kernel is launched.
 *
 * @param sharedBytes size of the {@code extern __shared__} array
 * @param order in which blocks, warps and atomic lanes take their turns
 * @param fuel the number of warp instructions after which the launch counts as endless
 */
public record ExecutionConfiguration(
    Dim3 grid, Dim3 block, int sharedBytes, ExecutionOrder order, long fuel) {
  private static final int MAX_BLOCK_THREADS = 1024;
  private static final int MAX_SHARED_BYTES = 227 * 1024;

  public ExecutionConfiguration {
    if (grid.count() < 1 || block.count() < 1 || block.count() > MAX_BLOCK_THREADS) {
      throw new IllegalArgumentException("cannot launch grid " + grid + " of blocks " + block);
    }
    if (sharedBytes < 0 || sharedBytes > MAX_SHARED_BYTES) {
      throw new IllegalArgumentException("cannot launch with " + sharedBytes + " shared bytes");
    }
  }
}
