package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;
import static io.github.distillcuda.cuda.kernels.ElementType.UINT8;

import java.util.List;

/**
 * The gradients of a 3x3 convolution's filters and biases from what the max-pool behind it passes
 * back, in two stages, {@code kernels/filter_gradient.cu}. Sizes are {@code images}, {@code inputs}
 * (channels), {@code channels} (of the output), {@code height} and {@code width} of the input.
 */
public final class FilterGradientKernels {
  /** Input channels whose sums a block holds. */
  public static final int INPUTS = 3;

  /** Sums a block has for each output channel: nine taps an input, and the bias. */
  public static final int SUMS = 28;

  private static final String PTX = "compute_75/filter_gradient.ptx";
  private static final int BLOCKS = 256;
  private static final int COLUMNS = 32;
  private static final int LINES = 8;

  /** The first stage; dPooled and mask are NCHW. */
  public static final KernelSignature PARTIALS_NCHW = partialSums("nchw");

  /** The first stage; dPooled and mask are NHWC, x is NCHW all the same. */
  public static final KernelSignature PARTIALS_NHWC = partialSums("nhwc");

  /** The second stage, of sizes {@code count}, which is {@link #count}, inputs and channels. */
  public static final KernelSignature SUM =
      KernelSignature.of(PTX, "filter_gradient_sum_fused_f32_v1")
          .in("partials", FLOAT32, sizes -> sizes.get("count") * sums(sizes))
          .out("dWeight", FLOAT32, sizes -> 9 * sizes.product("inputs", "channels"))
          .out("dBias", FLOAT32, sizes -> sizes.get("channels"))
          .sizes("count", "inputs", "channels")
          .launch(
              sizes -> {
                int blocks = Math.toIntExact(Math.ceilDiv(sums(sizes), (long) COLUMNS));
                return new LaunchConfig(blocks, 1, COLUMNS, LINES, 0);
              });

  static final List<KernelSignature> ALL = List.of(PARTIALS_NCHW, PARTIALS_NHWC, SUM);

  private FilterGradientKernels() {}

  /**
   * Returns how many partial sums of each element the first stage leaves: about as many blocks in
   * all as run at once on the largest GPUs, so that each has the same number of tiles, and never
   * more than there are tiles.
   */
  public static int count(KernelSizes sizes) {
    long wanted = Math.ceilDiv((long) BLOCKS, blocksOfATile(sizes));
    return Math.toIntExact(Math.min(PooledTiles.tiles(sizes), wanted));
  }

  private static KernelSignature partialSums(String layout) {
    return KernelSignature.of(PTX, "filter_gradient_partials_%s_fused_f32_v1".formatted(layout))
        .in("dPooled", FLOAT32, PooledTiles::pooled)
        .in("mask", UINT8, PooledTiles::pooled)
        .in("x", FLOAT32, sizes -> sizes.get("inputs") * PooledTiles.pixels(sizes))
        .out("partials", FLOAT32, sizes -> count(sizes) * sums(sizes))
        .sizes("images", "inputs", "channels", "height", "width")
        .requires("even height and width", PooledTiles::evenImage)
        .launch(sizes -> PooledTiles.launch(count(sizes), blocksOfATile(sizes)));
  }

  private static long inputGroups(KernelSizes sizes) {
    return Math.ceilDiv(sizes.get("inputs"), (long) INPUTS);
  }

  private static long blocksOfATile(KernelSizes sizes) {
    return PooledTiles.outputGroups(sizes) * inputGroups(sizes);
  }

  /** Elements of one partial sum. */
  private static long sums(KernelSizes sizes) {
    return inputGroups(sizes) * SUMS * sizes.get("channels");
  }
}
