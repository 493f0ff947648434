package io.github.distillcuda.cuda.kernels;

import java.util.List;

/**
 * The first stage of {@link FilterGradientKernels} on tensor cores, with factors in TF32, for
 * compute capability 8.0 and later, {@code kernels/filter_gradient_tensor_core.cu}.
 */
public final class FilterGradientTensorCoreKernels {
  private static final int TILE_HEIGHT = 4;
  private static final int TILE_WIDTH = 8;

  /** The first stage. */
  public static final KernelSignature PARTIALS =
      FilterGradientKernels.partialSums(
          "compute_80/filter_gradient_tensor_core.ptx",
          "filter_gradient_partials_nchw_fused_tf32_v1",
          FilterGradientTensorCoreKernels::launch);

  static final List<KernelSignature> ALL = List.of(PARTIALS);

  private FilterGradientTensorCoreKernels() {}

  /**
   * Sixteen inputs a block, tiles of 4 x 8 windows. A block has four tiles before there is another,
   * whose partial sums are to be written and read again.
   */
  private static LaunchConfig launch(KernelSizes sizes) {
    long groups = PooledTiles.outputGroups(sizes) * Math.ceilDiv(sizes.get("inputs"), 16L);
    long tiles =
        sizes.get("images")
            * Math.ceilDiv(sizes.get("height") / 2, TILE_HEIGHT)
            * Math.ceilDiv(sizes.get("width") / 2, TILE_WIDTH);
    long wanted = Math.ceilDiv((long) FilterGradientKernels.BLOCKS, groups);
    return PooledTiles.launch(Math.min(Math.ceilDiv(tiles, 4), wanted), groups);
  }
}
