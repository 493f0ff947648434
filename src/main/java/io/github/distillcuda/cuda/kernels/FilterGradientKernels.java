package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;
import static io.github.distillcuda.cuda.kernels.ElementType.UINT8;

import java.util.List;
import java.util.function.Function;

/**
 * The gradients of a 3x3 convolution's filters and biases from what the max-pool behind it passes
 * back, in two stages, {@code kernels/filter_gradient.cu}, NCHW; {@link
 * FilterGradientTensorCoreKernels} has another first stage. Sizes are {@code images}, {@code
 * inputs} (channels), {@code channels} (of the output), {@code height} and {@code width} of the
 * input.
 */
public final class FilterGradientKernels {
  private static final String PTX = "compute_75/filter_gradient.ptx";

  /** About as many as run at once on the largest GPUs, so that each has the same work. */
  static final int BLOCKS = 256;

  private static final int COLUMNS = 32;
  private static final int LINES = 8;

  /** The first stage. */
  public static final KernelSignature PARTIALS =
      partialSums(PTX, "filter_gradient_partials_nchw_fused_f32_v1", FilterGradientKernels::launch);

  /** The second stage, of sizes {@code count}, which is {@link #count}, inputs and channels. */
  public static final KernelSignature SUM =
      KernelSignature.of(PTX, "filter_gradient_sum_fused_f32_v1")
          .in("partials", FLOAT32, sizes -> sizes.get("count") * sums(sizes))
          .out("dWeight", FLOAT32, sizes -> 9 * sizes.product("inputs", "channels"))
          .out("dBias", FLOAT32, sizes -> sizes.get("channels"))
          .sizes("count", "inputs", "channels")
          .requires("fewer than 2^31 sums", sizes -> sums(sizes) <= Integer.MAX_VALUE)
          .launch(
              sizes -> {
                int blocks = Math.toIntExact(Math.ceilDiv(sums(sizes), (long) COLUMNS));
                return new LaunchConfig(blocks, 1, COLUMNS, LINES, 0);
              });

  static final List<KernelSignature> ALL = List.of(PARTIALS, SUM);

  private FilterGradientKernels() {}

  /** Returns how many partial sums of each element a first stage leaves. */
  public static int count(KernelSignature firstStage, KernelSizes sizes) {
    return firstStage.launch(sizes).gridX();
  }

  /** Returns the elements of one partial sum: nine taps an input, and the bias. */
  public static long sums(KernelSizes sizes) {
    return (9 * sizes.get("inputs") + 1) * sizes.get("channels");
  }

  /** A first stage of the gradients. */
  static KernelSignature partialSums(
      String ptx, String symbol, Function<KernelSizes, LaunchConfig> launch) {
    return KernelSignature.of(ptx, symbol)
        .in("dPooled", FLOAT32, PooledTiles::pooled)
        .in("mask", UINT8, PooledTiles::pooled)
        .in("x", FLOAT32, sizes -> sizes.get("inputs") * PooledTiles.pixels(sizes))
        .out("partials", FLOAT32, sizes -> launch.apply(sizes).gridX() * sums(sizes))
        .sizes("images", "inputs", "channels", "height", "width")
        .requires(PooledTiles.EVEN_IMAGE)
        .requires(
            "fewer than 2^31 channels of all images",
            sizes ->
                sizes.get("images") * Math.max(sizes.get("inputs"), sizes.get("channels"))
                    <= Integer.MAX_VALUE)
        .launch(launch);
  }

  /** Three inputs a block; never more blocks than there are tiles. */
  private static LaunchConfig launch(KernelSizes sizes) {
    long groups = PooledTiles.outputGroups(sizes) * Math.ceilDiv(sizes.get("inputs"), 3L);
    long wanted = Math.ceilDiv((long) BLOCKS, groups);
    return PooledTiles.launch(Math.min(PooledTiles.tiles(sizes), wanted), groups);
  }
}
