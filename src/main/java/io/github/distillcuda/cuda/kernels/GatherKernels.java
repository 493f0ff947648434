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
  public static final KernelSignature NCHW_FLOAT32_V1 = gather("nchw", FLOAT32, 1);

  /** A byte a load; images of any size. */
  public static final KernelSignature NHWC_FLOAT32_V1 = gather("nhwc", FLOAT32, 1);

  /** 16 bytes a load; images of a multiple of 16 bytes. */
  public static final KernelSignature NCHW_FLOAT32 = gather("nchw", FLOAT32, 2);

  /** 16 bytes a load. */
  public static final KernelSignature NHWC_FLOAT32 = gather("nhwc", FLOAT32, 2);

  /** 16 bytes a load, for compute capability 8.0 and later. */
  public static final KernelSignature NCHW_BFLOAT16 = gather("nchw", BFLOAT16, 2);

  /** 16 bytes a load, for compute capability 8.0 and later. */
  public static final KernelSignature NHWC_BFLOAT16 = gather("nhwc", BFLOAT16, 2);

  static final List<KernelSignature> ALL =
      List.of(
          NCHW_FLOAT32_V1,
          NHWC_FLOAT32_V1,
          NCHW_FLOAT32,
          NHWC_FLOAT32,
          NCHW_BFLOAT16,
          NHWC_BFLOAT16);

  private GatherKernels() {}

  private static KernelSignature gather(String layout, ElementType element, int rung) {
    boolean float32 = element == FLOAT32;
    boolean staged = rung == 2;
    String padded = layout.equals("nhwc") ? "paddedChannels" : "channels";
    KernelSignature.Builder kernel =
        KernelSignature.of(
                float32 ? "compute_75/gather.ptx" : "compute_80/gather.ptx",
                "gather_%s_fused_%s_v%d".formatted(layout, float32 ? "f32" : "bf16", rung))
            .in("data", UINT8, sizes -> sizes.get("rows") * imageBytes(sizes))
            .in("dataLabels", INT8, sizes -> sizes.get("rows"))
            .in("order", INT32, sizes -> sizes.get("rows"))
            .inOrNull("teacherCache", FLOAT32, sizes -> sizes.product("rows", "classes"))
            .state(Integer.BYTES, 0)
            .out("images", element, sizes -> sizes.get("rows") * sizes.product("pixels", padded))
            .out("labels", INT32, sizes -> sizes.get("rows"))
            .out("ids", INT32, sizes -> sizes.get("rows"))
            .outOrNull("teacher", FLOAT32, sizes -> sizes.product("rows", "classes"))
            .out("labelledRows", INT32, sizes -> 1)
            .sizes("rows", "classes", "channels", "pixels", "paddedChannels")
            .requires(
                "paddedChannels >= channels",
                sizes -> sizes.get("paddedChannels") >= sizes.get("channels"))
            .requires(
                "images of less than 2^31 elements",
                sizes -> sizes.product("pixels", padded) <= Integer.MAX_VALUE);
    if (staged) {
      int perStore = 16 / element.bytes();
      kernel
          .requires("images of a multiple of 16 bytes", sizes -> imageBytes(sizes) % 16 == 0)
          .requires(
              "a multiple of " + perStore + " outputs an image",
              sizes -> sizes.product("pixels", padded) % perStore == 0)
          .requires("images of at most 48 KiB", sizes -> imageBytes(sizes) <= 48 * 1024);
    }
    return kernel.launch(sizes -> launch(sizes, staged));
  }

  /** A block an image, and one that counts labels. */
  private static LaunchConfig launch(KernelSizes sizes, boolean staged) {
    int shared = staged ? (int) imageBytes(sizes) : 0;
    return new LaunchConfig((int) sizes.get("rows") + 1, 1, BLOCK, 1, shared);
  }

  private static long imageBytes(KernelSizes sizes) {
    return sizes.product("channels", "pixels");
  }
}
