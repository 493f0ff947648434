package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;
import static io.github.distillcuda.cuda.kernels.ElementType.UINT8;

import java.util.List;

/**
 * A convolution and the max-pool behind it on tensor cores in TF32, for compute capability 8.0 and
 * later, {@code kernels/convolution.cu}: forward with bias and ReLU, and the gradient of the input.
 * Everything is NCHW. Sizes are {@code images}, {@code inputs} (channels), {@code channels} (of the
 * output), {@code height} and {@code width} of the input.
 */
public final class ConvolutionKernels {
  private static final String PTX = "compute_80/convolution.ptx";
  private static final int THREADS = 256;
  private static final int TILE_HEIGHT = 8;
  private static final int TILE_WIDTH = 16;
  private static final int OUTPUTS = 64;

  /** The kernels count within the filters, and within an image, in 32 bits. */
  private static final long MOST_ELEMENTS = 1L << 30;

  private static final String FITS = "fewer than 2^30 elements of all filters and of an image";

  /** Convolution, bias, ReLU and max-pool. */
  public static final KernelSignature POOL =
      KernelSignature.of(PTX, "convolution_pool_nchw_fused_tf32_v1")
          .in("x", FLOAT32, sizes -> sizes.get("inputs") * PooledTiles.pixels(sizes))
          .in("weight", FLOAT32, ConvolutionKernels::filters)
          .in("bias", FLOAT32, sizes -> sizes.get("channels"))
          .out("pooled", FLOAT32, PooledTiles::pooled)
          .out("mask", UINT8, PooledTiles::pooled)
          .sizes("images", "inputs", "channels", "height", "width")
          .requires(PooledTiles.EVEN_IMAGE)
          .requires(FITS, ConvolutionKernels::fits)
          .launch(sizes -> launch(sizes, "channels", OUTPUTS));

  /** The gradient of the input; 32 inputs a block. */
  public static final KernelSignature POOL_BACKWARD_C32 = backward(32);

  /** The gradient of the input; 64 inputs a block. */
  public static final KernelSignature POOL_BACKWARD_C64 = backward(64);

  static final List<KernelSignature> ALL = List.of(POOL, POOL_BACKWARD_C32, POOL_BACKWARD_C64);

  private ConvolutionKernels() {}

  /** Returns the gradient of so many input channels. */
  public static KernelSignature backwardOf(int inputs) {
    return inputs <= 32 ? POOL_BACKWARD_C32 : POOL_BACKWARD_C64;
  }

  private static KernelSignature backward(int inputsOfBlock) {
    return KernelSignature.of(
            PTX, "convolution_pool_backward_c%d_nchw_fused_tf32_v1".formatted(inputsOfBlock))
        .in("dPooled", FLOAT32, PooledTiles::pooled)
        .in("mask", UINT8, PooledTiles::pooled)
        .in("weight", FLOAT32, ConvolutionKernels::filters)
        .out("dx", FLOAT32, sizes -> sizes.get("inputs") * PooledTiles.pixels(sizes))
        .sizes("images", "inputs", "channels", "height", "width")
        .requires(PooledTiles.EVEN_IMAGE)
        .requires(FITS, ConvolutionKernels::fits)
        .launch(sizes -> launch(sizes, "inputs", inputsOfBlock));
  }

  private static long filters(KernelSizes sizes) {
    return 9 * sizes.product("inputs", "channels");
  }

  private static boolean fits(KernelSizes sizes) {
    long widest = Math.max(sizes.get("inputs"), sizes.get("channels"));
    return filters(sizes) < MOST_ELEMENTS
        && widest * sizes.product("height", "width") < MOST_ELEMENTS;
  }

  private static LaunchConfig launch(KernelSizes sizes, String results, int resultsOfBlock) {
    long tiles =
        sizes.get("images")
            * Math.ceilDiv(sizes.get("height"), TILE_HEIGHT)
            * Math.ceilDiv(sizes.get("width"), TILE_WIDTH);
    long groups = Math.ceilDiv(sizes.get(results), resultsOfBlock);
    return new LaunchConfig(Math.toIntExact(tiles), Math.toIntExact(groups), THREADS, 1, 0);
  }
}
