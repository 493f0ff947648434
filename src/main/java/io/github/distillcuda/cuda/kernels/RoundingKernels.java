package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.BFLOAT16;
import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;

import java.util.List;

/**
 * From float32 to bfloat16 and back, {@code kernels/rounding.cu}, for compute capability 8.0 and
 * later.
 */
public final class RoundingKernels {
  private static final String PTX = "compute_80/rounding.ptx";
  private static final int BLOCK = 256;
  private static final int PER_THREAD = 4;

  /** Rounds to bfloat16. */
  public static final KernelSignature ROUND = cast("round_fused_bf16_v1", FLOAT32, BFLOAT16);

  /** The reverse, which is exact. */
  public static final KernelSignature WIDEN = cast("widen_fused_f32_v1", BFLOAT16, FLOAT32);

  /** Rounds to bfloat16, and puts the channels of images last. */
  public static final KernelSignature ROUND_CHANNELS_LAST =
      KernelSignature.of(PTX, "round_channels_last_fused_bf16_v1")
          .in("x", FLOAT32, RoundingKernels::elements)
          .out("y", BFLOAT16, RoundingKernels::elements)
          .sizes("rows", "channels", "pixels")
          .requires("fewer than 2^31 elements", sizes -> elements(sizes) <= Integer.MAX_VALUE)
          .launch(sizes -> LaunchConfig.covering(elements(sizes), BLOCK, BLOCK));

  static final List<KernelSignature> ALL = List.of(ROUND, ROUND_CHANNELS_LAST, WIDEN);

  private RoundingKernels() {}

  /** Returns how many elements {@link #ROUND} and {@link #WIDEN} are told of so many. */
  public static int padded(int elements) {
    return Math.ceilDiv(elements, PER_THREAD) * PER_THREAD;
  }

  private static KernelSignature cast(String symbol, ElementType from, ElementType to) {
    return KernelSignature.of(PTX, symbol)
        .in("x", from, sizes -> sizes.get("n"))
        .out("y", to, sizes -> sizes.get("n"))
        .sizes("n")
        .requires("a multiple of 4 elements", sizes -> sizes.get("n") % PER_THREAD == 0)
        .launch(sizes -> LaunchConfig.covering(sizes.get("n"), PER_THREAD * BLOCK, BLOCK));
  }

  private static long elements(KernelSizes sizes) {
    return sizes.get("rows") * sizes.product("channels", "pixels");
  }
}
