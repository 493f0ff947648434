package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.BFLOAT16;
import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;
import static io.github.distillcuda.cuda.kernels.ElementType.UINT8;

import java.util.List;

/** Bias, ReLU and max-pool, forward and backward, {@code kernels/convolution_block.cu}. */
public final class ConvolutionBlockKernels {
  private static final String PTX = "compute_75/convolution_block.ptx";
  private static final String BFLOAT16_PTX = "compute_80/convolution_block.ptx";
  private static final int PLANES_PER_BLOCK = 4;
  private static final int COLUMNS = 32;
  private static final int LINES = 8;

  /** {@code SUM_LINES} of {@code kernels/convolution_block.cu}. */
  private static final int SUM_LINES = 32;

  /** Pooled pixels of nhwc, or rows of a linear layer, whose bias gradients one partial sum has. */
  public static final int CHUNK = 64;

  /** A window a lane; any even width. */
  public static final KernelSignature POOL_NCHW_V1 = poolNchw(1);

  /** Two windows a lane; a width that is a multiple of 4. */
  public static final KernelSignature POOL_NCHW = poolNchw(2);

  /** The backward pass of {@link #POOL_NCHW_V1}; the partial sums are [N, channels]. */
  public static final KernelSignature POOL_BACKWARD_NCHW_V1 = poolBackwardNchw(1);

  /** The backward pass of {@link #POOL_NCHW}. */
  public static final KernelSignature POOL_BACKWARD_NCHW = poolBackwardNchw(2);

  /** Images in bfloat16, for compute capability 8.0 and later; the bias is float32. */
  public static final KernelSignature POOL_NHWC =
      KernelSignature.of(BFLOAT16_PTX, "bias_relu_pool_nhwc_fused_bf16_v1")
          .in("x", BFLOAT16, sizes -> 4 * windows(sizes))
          .in("bias", FLOAT32, sizes -> sizes.get("channels"))
          .out("pooled", BFLOAT16, ConvolutionBlockKernels::windows)
          .out("mask", UINT8, ConvolutionBlockKernels::windows)
          .sizes("windows", "channels", "height", "width")
          .requires(PooledTiles.EVEN_IMAGE)
          .launch(sizes -> byChunk(sizes, "windows"));

  /**
   * The backward pass of {@link #POOL_NHWC}; the partial sums are [chunks, channels], in float32.
   */
  public static final KernelSignature POOL_BACKWARD_NHWC =
      KernelSignature.of(BFLOAT16_PTX, "bias_relu_pool_backward_nhwc_fused_bf16_v1")
          .in("dPooled", BFLOAT16, ConvolutionBlockKernels::windows)
          .in("mask", UINT8, ConvolutionBlockKernels::windows)
          .out("dx", BFLOAT16, sizes -> 4 * windows(sizes))
          .out("partials", FLOAT32, sizes -> partials(sizes, "windows"))
          .sizes("windows", "channels", "height", "width")
          .requires(PooledTiles.EVEN_IMAGE)
          .launch(sizes -> byChunk(sizes, "windows"));

  /** Bias and ReLU of a linear layer. */
  public static final KernelSignature BIAS_RELU =
      KernelSignature.of(PTX, "bias_relu_fused_f32_v1")
          .in("x", FLOAT32, sizes -> sizes.product("rows", "channels"))
          .in("bias", FLOAT32, sizes -> sizes.get("channels"))
          .out("y", FLOAT32, sizes -> sizes.product("rows", "channels"))
          .sizes("rows", "channels")
          .launch(sizes -> byChunk(sizes, "rows"));

  /** The backward pass of {@link #BIAS_RELU}; the partial sums are [chunks, channels]. */
  public static final KernelSignature BIAS_RELU_BACKWARD =
      KernelSignature.of(PTX, "bias_relu_backward_fused_f32_v1")
          .in("dy", FLOAT32, sizes -> sizes.product("rows", "channels"))
          .in("y", FLOAT32, sizes -> sizes.product("rows", "channels"))
          .out("dx", FLOAT32, sizes -> sizes.product("rows", "channels"))
          .out("partials", FLOAT32, sizes -> partials(sizes, "rows"))
          .sizes("rows", "channels")
          .launch(sizes -> byChunk(sizes, "rows"));

  /** The second stage of every bias gradient: adds {@code count} partial sums. */
  public static final KernelSignature BIAS_GRADIENT =
      KernelSignature.of(PTX, "bias_gradient_fused_f32_v2")
          .in("partials", FLOAT32, sizes -> sizes.product("count", "channels"))
          .out("dBias", FLOAT32, sizes -> sizes.get("channels"))
          .sizes("count", "channels")
          .launch(
              sizes -> {
                int blocks = (int) Math.ceilDiv(sizes.get("channels"), (long) COLUMNS);
                return new LaunchConfig(blocks, 1, COLUMNS, SUM_LINES, 0);
              });

  static final List<KernelSignature> ALL =
      List.of(
          POOL_NCHW_V1,
          POOL_NCHW,
          POOL_BACKWARD_NCHW_V1,
          POOL_BACKWARD_NCHW,
          POOL_NHWC,
          POOL_BACKWARD_NHWC,
          BIAS_RELU,
          BIAS_RELU_BACKWARD,
          BIAS_GRADIENT);

  private ConvolutionBlockKernels() {}

  private static KernelSignature poolNchw(int rung) {
    return KernelSignature.of(PTX, "bias_relu_pool_nchw_fused_f32_v" + rung)
        .in("x", FLOAT32, sizes -> sizes.get("planes") * sizes.product("height", "width"))
        .in("bias", FLOAT32, sizes -> sizes.get("channels"))
        .out("pooled", FLOAT32, ConvolutionBlockKernels::pooled)
        .out("mask", UINT8, ConvolutionBlockKernels::pooled)
        .sizes("planes", "channels", "height", "width")
        .requires(PooledTiles.EVEN_IMAGE)
        .requires(widthOf(rung), sizes -> sizes.get("width") % (2 * rung) == 0)
        .launch(ConvolutionBlockKernels::byPlane);
  }

  private static KernelSignature poolBackwardNchw(int rung) {
    return KernelSignature.of(PTX, "bias_relu_pool_backward_nchw_fused_f32_v" + rung)
        .in("dPooled", FLOAT32, ConvolutionBlockKernels::pooled)
        .in("mask", UINT8, ConvolutionBlockKernels::pooled)
        .out("dx", FLOAT32, sizes -> 4 * pooled(sizes))
        .out("partials", FLOAT32, sizes -> sizes.get("planes"))
        .sizes("planes", "height", "width")
        .requires(PooledTiles.EVEN_IMAGE)
        .requires(widthOf(rung), sizes -> sizes.get("width") % (2 * rung) == 0)
        .launch(ConvolutionBlockKernels::byPlane);
  }

  private static String widthOf(int rung) {
    return "a width that is a multiple of " + 2 * rung;
  }

  private static long pooled(KernelSizes sizes) {
    return sizes.get("planes") * sizes.product("height", "width") / 4;
  }

  /** Windows of nhwc, in all channels. */
  private static long windows(KernelSizes sizes) {
    return sizes.product("windows", "channels");
  }

  private static long partials(KernelSizes sizes, String lines) {
    return Math.ceilDiv(sizes.get(lines), CHUNK) * sizes.get("channels");
  }

  private static LaunchConfig byPlane(KernelSizes sizes) {
    return LaunchConfig.covering(sizes.get("planes"), PLANES_PER_BLOCK, ClassRange.BLOCK);
  }

  private static LaunchConfig byChunk(KernelSizes sizes, String lines) {
    return new LaunchConfig(
        Math.toIntExact(Math.ceilDiv(sizes.get(lines), CHUNK)),
        (int) Math.ceilDiv(sizes.get("channels"), COLUMNS),
        COLUMNS,
        LINES,
        0);
  }
}
