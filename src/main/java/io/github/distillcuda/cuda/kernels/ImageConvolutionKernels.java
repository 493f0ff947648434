package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;
import static io.github.distillcuda.cuda.kernels.ElementType.UINT8;

import java.util.List;

/**
 * The first layer, on images of three channels: convolution, bias, ReLU and max-pool in one kernel,
 * and their gradients, {@code kernels/image_convolution.cu}. Images are NCHW, what follows the pool
 * is in either layout.
 */
public final class ImageConvolutionKernels {
  /** Channels of the images. */
  public static final int IN_CHANNELS = 3;

  /** Sums of an output channel: 27 elements of its filter and its bias. */
  public static final int SUMS = 28;

  private static final String PTX = "compute_75/image_convolution.ptx";
  private static final int THREADS = 256;
  private static final int OUTPUTS = 32;
  private static final int TILE_ROWS = 4;
  private static final int TILE_COLUMNS = 16;
  private static final int MOST_PARTIALS = 256;
  private static final int LINES = 8;

  /** The forward pass; what follows is NCHW. */
  public static final KernelSignature POOL_NCHW = forward("nchw");

  /** The forward pass; what follows is NHWC. */
  public static final KernelSignature POOL_NHWC = forward("nhwc");

  /** The sums of each block, [{@link #partials}, 28, channels]; the gradients are NCHW. */
  public static final KernelSignature BACKWARD_NCHW = backward("nchw");

  /** The sums of each block, [{@link #partials}, 28, channels]; the gradients are NHWC. */
  public static final KernelSignature BACKWARD_NHWC = backward("nhwc");

  /** Adds {@code count} partial sums to the gradients of filters and biases. */
  public static final KernelSignature GRADIENT =
      KernelSignature.of(PTX, "image_convolution_gradient_fused_f32_v1")
          .in("partials", FLOAT32, sizes -> SUMS * sizes.product("count", "channels"))
          .out("dWeight", FLOAT32, sizes -> (SUMS - 1) * sizes.get("channels"))
          .out("dBias", FLOAT32, sizes -> sizes.get("channels"))
          .sizes("count", "channels")
          .launch(
              sizes -> {
                long blocks = Math.ceilDiv(SUMS * sizes.get("channels"), (long) OUTPUTS);
                return new LaunchConfig(Math.toIntExact(blocks), 1, OUTPUTS, LINES, 0);
              });

  static final List<KernelSignature> ALL =
      List.of(POOL_NCHW, POOL_NHWC, BACKWARD_NCHW, BACKWARD_NHWC, GRADIENT);

  private ImageConvolutionKernels() {}

  /**
   * Returns how many partial sums the backward kernels leave, of sizes with {@code images}, {@code
   * height} and {@code width}.
   */
  public static int partials(KernelSizes sizes) {
    return Math.toIntExact(Math.min(tiles(sizes), MOST_PARTIALS));
  }

  private static KernelSignature forward(String layout) {
    return KernelSignature.of(PTX, "image_convolution_pool_%s_fused_f32_v1".formatted(layout))
        .in("x", FLOAT32, ImageConvolutionKernels::pixels)
        .in("weight", FLOAT32, sizes -> (SUMS - 1) * sizes.get("channels"))
        .in("bias", FLOAT32, sizes -> sizes.get("channels"))
        .out("pooled", FLOAT32, ImageConvolutionKernels::pooled)
        .out("mask", UINT8, ImageConvolutionKernels::pooled)
        .sizes("images", "channels", "height", "width")
        .requires("even height and width", ImageConvolutionKernels::evenImage)
        .launch(sizes -> launch(sizes, tiles(sizes)));
  }

  private static KernelSignature backward(String layout) {
    return KernelSignature.of(PTX, "image_convolution_backward_%s_fused_f32_v1".formatted(layout))
        .in("dPooled", FLOAT32, ImageConvolutionKernels::pooled)
        .in("mask", UINT8, ImageConvolutionKernels::pooled)
        .in("x", FLOAT32, ImageConvolutionKernels::pixels)
        .out("partials", FLOAT32, sizes -> SUMS * (long) partials(sizes) * sizes.get("channels"))
        .sizes("images", "channels", "height", "width")
        .requires("even height and width", ImageConvolutionKernels::evenImage)
        .launch(sizes -> launch(sizes, partials(sizes)));
  }

  private static LaunchConfig launch(KernelSizes sizes, long blocks) {
    return new LaunchConfig(
        Math.toIntExact(blocks),
        (int) Math.ceilDiv(sizes.get("channels"), (long) OUTPUTS),
        THREADS,
        1,
        0);
  }

  private static boolean evenImage(KernelSizes sizes) {
    return (sizes.get("height") | sizes.get("width")) % 2 == 0;
  }

  private static long pixels(KernelSizes sizes) {
    return IN_CHANNELS * sizes.get("images") * sizes.product("height", "width");
  }

  private static long pooled(KernelSizes sizes) {
    return sizes.product("images", "channels") * sizes.product("height", "width") / 4;
  }

  private static long tiles(KernelSizes sizes) {
    return sizes.get("images")
        * Math.ceilDiv(sizes.get("height") / 2, TILE_ROWS)
        * Math.ceilDiv(sizes.get("width") / 2, TILE_COLUMNS);
  }
}
