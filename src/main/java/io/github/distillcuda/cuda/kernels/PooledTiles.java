package io.github.distillcuda.cuda.kernels;

import io.github.distillcuda.cuda.kernels.KernelSignature.Requirement;

/**
 * How {@code kernels/pooled_tile.cuh} divides a 3x3 convolution and the max-pool behind it: tiles
 * of 8 x 8 windows, 32 output channels a block. Of sizes with {@code images}, {@code channels},
 * {@code height} and {@code width}.
 */
final class PooledTiles {
  private static final int THREADS = 256;
  private static final int OUTPUTS = 32;
  private static final int SIDE = 8;

  /** Kernels count within a channel of an image in 32 bits. */
  static final Requirement EVEN_IMAGE =
      new Requirement(
          "even height and width, and fewer than 2^31 pixels",
          sizes ->
              (sizes.get("height") | sizes.get("width")) % 2 == 0
                  && sizes.product("height", "width") <= Integer.MAX_VALUE);

  private PooledTiles() {}

  static long tiles(KernelSizes sizes) {
    return sizes.get("images")
        * Math.ceilDiv(sizes.get("height") / 2, SIDE)
        * Math.ceilDiv(sizes.get("width") / 2, SIDE);
  }

  static long outputGroups(KernelSizes sizes) {
    return Math.ceilDiv(sizes.get("channels"), (long) OUTPUTS);
  }

  static LaunchConfig launch(long gridX, long gridY) {
    return new LaunchConfig(Math.toIntExact(gridX), Math.toIntExact(gridY), THREADS, 1, 0);
  }

  /** Pixels of one channel of all images. */
  static long pixels(KernelSizes sizes) {
    return sizes.get("images") * sizes.product("height", "width");
  }

  /** Elements behind the pool. */
  static long pooled(KernelSizes sizes) {
    return sizes.get("channels") * pixels(sizes) / 4;
  }
}
