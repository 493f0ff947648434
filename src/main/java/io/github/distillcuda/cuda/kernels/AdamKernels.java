package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;

import java.util.List;

/** Adam over the flat arenas, {@code kernels/adam.cu}. */
public final class AdamKernels {
  private static final String PTX = "compute_75/adam.ptx";
  private static final int BLOCK = 256;

  /** An element a thread. */
  public static final KernelSignature ADAM_V1 =
      adam(1).launch(sizes -> LaunchConfig.covering(sizes.get("n"), BLOCK, BLOCK));

  /** Four elements a thread. */
  public static final KernelSignature ADAM =
      adam(2)
          .requires("a multiple of 4 elements", sizes -> sizes.get("n") % 4 == 0)
          .launch(sizes -> LaunchConfig.covering(sizes.get("n"), 4 * BLOCK, BLOCK));

  static final List<KernelSignature> ALL = List.of(ADAM_V1, ADAM);

  private AdamKernels() {}

  private static KernelSignature.Builder adam(int rung) {
    return KernelSignature.of(PTX, "adam_fused_f32_v" + rung)
        .inOut("parameters", FLOAT32, sizes -> sizes.get("n"))
        .in("gradients", FLOAT32, sizes -> sizes.get("n"))
        .inOut("firstMoments", FLOAT32, sizes -> sizes.get("n"))
        .inOut("secondMoments", FLOAT32, sizes -> sizes.get("n"))
        .state(16, 0)
        .float64("learningRate", "beta1", "beta2", "epsilon")
        .sizes("n");
  }
}
