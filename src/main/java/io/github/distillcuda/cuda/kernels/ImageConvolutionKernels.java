package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;
import static io.github.distillcuda.cuda.kernels.ElementType.UINT8;

import java.util.List;

/**
 * The first layer, on images of three channels: convolution, bias, ReLU and max-pool in one kernel,
 * {@code kernels/image_convolution.cu}. Images are NCHW, what follows the pool is in either layout.
 */
public final class ImageConvolutionKernels {
  /** Channels of the images. */
  public static final int IN_CHANNELS = 3;

  private static final String PTX = "compute_75/image_convolution.ptx";
  private static final int FILTER = IN_CHANNELS * 9;

  /** What follows is NCHW. */
  public static final KernelSignature POOL_NCHW = forward("nchw");

  /** What follows is NHWC. */
  public static final KernelSignature POOL_NHWC = forward("nhwc");

  static final List<KernelSignature> ALL = List.of(POOL_NCHW, POOL_NHWC);

  private ImageConvolutionKernels() {}

  private static KernelSignature forward(String layout) {
    return KernelSignature.of(PTX, "image_convolution_pool_%s_fused_f32_v1".formatted(layout))
        .in("x", FLOAT32, sizes -> IN_CHANNELS * PooledTiles.pixels(sizes))
        .in("weight", FLOAT32, sizes -> FILTER * sizes.get("channels"))
        .in("bias", FLOAT32, sizes -> sizes.get("channels"))
        .out("pooled", FLOAT32, PooledTiles::pooled)
        .out("mask", UINT8, PooledTiles::pooled)
        .sizes("images", "channels", "height", "width")
        .requires(PooledTiles.EVEN_IMAGE)
        .launch(
            sizes -> PooledTiles.launch(PooledTiles.tiles(sizes), PooledTiles.outputGroups(sizes)));
  }
}
