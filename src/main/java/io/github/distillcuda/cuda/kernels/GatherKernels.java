package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.BFLOAT16;
import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;
import static io.github.distillcuda.cuda.kernels.ElementType.INT32;
import static io.github.distillcuda.cuda.kernels.ElementType.INT8;
import static io.github.distillcuda.cuda.kernels.ElementType.UINT8;

import java.util.List;

/** The gather of a batch, {@code kernels/gather.cu}. */
public final class GatherKernels {
  private static final int BLOCK = 256;

  /** A byte a load; images of any size. */
  public static final KernelSignature NCHW_FLOAT32_V1 =
      gather("nchw", FLOAT32, 1).launch(sizes -> launch(sizes, 0));

  /** 16 bytes a load; images of a multiple of 16 bytes. */
  public static final KernelSignature NCHW_FLOAT32 = staged("nchw", FLOAT32);

  /** The same with the channels last, for compute capability 8.0 and later. */
  public static final KernelSignature NHWC_BFLOAT16 = staged("nhwc", BFLOAT16);

  static final List<KernelSignature> ALL = List.of(NCHW_FLOAT32_V1, NCHW_FLOAT32, NHWC_BFLOAT16);

  private GatherKernels() {}

  private static KernelSignature staged(String layout, ElementType element) {
    return gather(layout, element, 2)
        .requires("images of a multiple of 16 bytes", sizes -> imageElements(sizes) % 16 == 0)
        .requires("images of at most 48 KiB", sizes -> imageElements(sizes) <= 48 * 1024)
        .launch(sizes -> launch(sizes, imageElements(sizes)));
  }

  private static KernelSignature.Builder gather(String layout, ElementType element, int rung) {
    return KernelSignature.of(
            element.target() + "/gather.ptx",
            "gather_%s_fused_%s_v%d".formatted(layout, element.dtype(), rung))
        .in("data", UINT8, sizes -> sizes.rows() * imageElements(sizes))
        .in("dataLabels", INT8, KernelSizes::rows)
        .in("order", INT32, KernelSizes::rows)
        .inOrNull("teacherCache", FLOAT32, KernelSizes::logits)
        .state(Integer.BYTES, 0)
        .out("images", element, sizes -> sizes.rows() * imageElements(sizes))
        .out("labels", INT32, KernelSizes::rows)
        .out("ids", INT32, KernelSizes::rows)
        .outOrNull("teacher", FLOAT32, KernelSizes::logits)
        .out("labelledRows", INT32, sizes -> 1)
        .sizes("rows", "classes", "channels", "pixels")
        .requires(
            "images of less than 2^31 elements",
            sizes -> imageElements(sizes) <= Integer.MAX_VALUE);
  }

  /** A block an image, and one that counts labels. */
  private static LaunchConfig launch(KernelSizes sizes, long sharedBytes) {
    return new LaunchConfig((int) sizes.rows() + 1, 1, BLOCK, 1, (int) sharedBytes);
  }

  /** Each is a byte of the data set. */
  private static long imageElements(KernelSizes sizes) {
    return sizes.product("channels", "pixels");
  }
}
