package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;
import static io.github.distillcuda.cuda.kernels.ElementType.UINT8;

import java.util.List;

/**
 * The first layer, on images of three channels: convolution, bias, ReLU and max-pool in one kernel,
 * {@code kernels/image_convolution.cu}, NCHW.
 */
public final class ImageConvolutionKernels {
  /** Channels of the images. */
  public static final int IN_CHANNELS = 3;

  private static final String PTX = "compute_75/image_convolution.ptx";
  private static final int FILTER = IN_CHANNELS * 9;

  /** Forward; the gradients are those of {@link FilterGradientKernels}. */
  public static final KernelSignature POOL =
      KernelSignature.of(PTX, "image_convolution_pool_nchw_fused_f32_v1")
          .in("x", FLOAT32, sizes -> IN_CHANNELS * PooledTiles.pixels(sizes))
          .in("weight", FLOAT32, sizes -> FILTER * sizes.get("channels"))
          .in("bias", FLOAT32, sizes -> sizes.get("channels"))
          .out("pooled", FLOAT32, PooledTiles::pooled)
          .out("mask", UINT8, PooledTiles::pooled)
          .sizes("images", "channels", "height", "width")
          .requires(PooledTiles.EVEN_IMAGE)
          .launch(
              sizes ->
                  PooledTiles.launch(PooledTiles.tiles(sizes), PooledTiles.outputGroups(sizes)));

  static final List<KernelSignature> ALL = List.of(POOL);

  private ImageConvolutionKernels() {}
}
