package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;
import static io.github.distillcuda.cuda.kernels.ElementType.INT32;
import static io.github.distillcuda.cuda.kernels.ElementType.INT64;

import java.util.List;

/** What a step leaves in its state: sums, counts, cursor; {@code kernels/reduction.cu}. */
public final class ReductionKernels {
  private static final String PTX = "compute_75/reduction.ptx";
  private static final int BLOCK = 256;

  private static final int LABELS_PER_THREAD = 8;

  /** The number of labelled rows, for a loss without a gather. */
  public static final KernelSignature COUNT_LABELLED =
      KernelSignature.of(PTX, "count_labelled_fused_s32_v2")
          .in("labels", INT32, sizes -> sizes.get("rows"))
          .out("labelledRows", INT32, sizes -> 1)
          .inOut("progress", INT64, sizes -> 1)
          .sizes("rows", "classes")
          .launch(
              sizes -> LaunchConfig.covering(sizes.get("rows"), LABELS_PER_THREAD * BLOCK, BLOCK));

  /** Adds the rows of a loss to the sums of the epoch. */
  public static final KernelSignature ROW_SUMS =
      KernelSignature.of(PTX, "row_sums_fused_f32_v1")
          .in("distillation", FLOAT32, sizes -> sizes.get("rows"))
          .in("crossEntropy", FLOAT32, sizes -> sizes.get("rows"))
          .in("outcome", INT32, sizes -> sizes.get("rows"))
          .state(44, 44)
          .float32("alpha")
          .sizes("rows")
          .launch(sizes -> LaunchConfig.of(1, BLOCK));

  /** The same from the means that the eager chain leaves. */
  public static final KernelSignature BATCH_MEANS =
      KernelSignature.of(PTX, "batch_means_unfused_f32_v0")
          .in("distillationMean", FLOAT32, sizes -> 1)
          .in("crossEntropyMean", FLOAT32, sizes -> 1)
          .in("outcome", INT32, sizes -> sizes.get("rows"))
          .state(44, 44)
          .float32("alpha")
          .sizes("rows")
          .launch(sizes -> LaunchConfig.of(1, BLOCK));

  /** Marks the step if an element of either array is not finite. */
  public static final KernelSignature FINITE_CHECK =
      KernelSignature.of(PTX, "finite_check_fused_f32_v1")
          .in("a", FLOAT32, sizes -> sizes.get("n"))
          .in("b", FLOAT32, sizes -> sizes.get("n"))
          .state(0, 0)
          .sizes("n")
          .requires("a multiple of 4 elements", sizes -> sizes.get("n") % 4 == 0)
          .launch(sizes -> LaunchConfig.covering(sizes.get("n"), 4 * BLOCK, BLOCK));

  /** Moves cursor and optimizer step on. */
  public static final KernelSignature ADVANCE =
      KernelSignature.of(PTX, "advance_fused_s32_v1")
          .state(20, 12)
          .sizes("rows")
          .integer("optimizerSteps")
          .launch(sizes -> LaunchConfig.of(1, 1));

  /** Copies rows of logits to a table by image id. */
  public static final KernelSignature STORE_LOGITS =
      KernelSignature.of(PTX, "store_logits_fused_f32_v1")
          .in("logits", FLOAT32, sizes -> sizes.product("rows", "classes"))
          .in("ids", INT32, sizes -> sizes.get("rows"))
          .out("table", FLOAT32, sizes -> sizes.product("rows", "classes"))
          .sizes("rows", "classes")
          .launch(sizes -> LaunchConfig.covering(sizes.product("rows", "classes"), BLOCK, BLOCK));

  static final List<KernelSignature> ALL =
      List.of(COUNT_LABELLED, ROW_SUMS, BATCH_MEANS, FINITE_CHECK, ADVANCE, STORE_LOGITS);

  private ReductionKernels() {}
}
