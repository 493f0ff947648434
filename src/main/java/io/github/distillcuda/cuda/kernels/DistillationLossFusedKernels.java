package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;
import static io.github.distillcuda.cuda.kernels.ElementType.INT32;

import java.util.List;
import java.util.stream.Stream;

/** The fused distillation loss, {@code kernels/distillation_loss_fused.cu}. */
public final class DistillationLossFusedKernels {
  private static final int WARP = 32;
  private static final String PTX = "compute_75/distillation_loss_fused.ptx";

  /**
   * Up to how many rows it is sooner done to give each more threads: while fewer leave parts of a
   * large GPU idle.
   */
  private static final int FEW_ROWS = 4096;

  /**
   * Loss and gradient, the fastest rung made for each range of classes, as an H100 timed them at 64
   * rows and at rows that fill it ({@code native-notes/gpu-runs.md}): first those for few rows,
   * then those for any number, narrowest first.
   */
  public static final List<KernelSignature> SELECTED =
      List.of(
          lossOfFewRows(ClassRange.C32, 7),
          lossOfFewRows(ClassRange.C128, 5),
          lossOfFewRows(ClassRange.C256, 5),
          ofFewRows(byBlock(3)).launch(sizes -> LaunchConfig.of(sizes.rows(), 128)),
          loss(ClassRange.C16, 3),
          loss(ClassRange.C32, 6),
          loss(ClassRange.C128, 6),
          loss(ClassRange.C256, 6),
          byBlock(5).launch(sizes -> LaunchConfig.of(sizes.rows(), 64)));

  /**
   * Loss and gradient of up to 1,024 classes by one warp a row: slower than what is selected, and
   * what that is compared with.
   */
  public static final KernelSignature WARP_A_ROW = loss(ClassRange.C1024, 4);

  /** The loss alone, narrowest first. */
  public static final List<KernelSignature> FORWARD =
      Stream.of(ClassRange.C16, ClassRange.C32, ClassRange.C128, ClassRange.C256, ClassRange.C1024)
          .map(DistillationLossFusedKernels::forward)
          .toList();

  static final List<KernelSignature> ALL =
      Stream.of(SELECTED, List.of(WARP_A_ROW), FORWARD).flatMap(List::stream).toList();

  private DistillationLossFusedKernels() {}

  /**
   * Returns every kernel for loss and gradient, in the order in which they are to be chosen: in
   * float32 to 1,024 classes {@link #SELECTED}, else those of {@link DistillationLossWideKernels}.
   *
   * @param type of the logits and the gradient, float32 or bfloat16
   */
  public static List<KernelSignature> of(ElementType type) {
    return Stream.of(
            type == FLOAT32 ? SELECTED : List.<KernelSignature>of(),
            DistillationLossWideKernels.of(type))
        .flatMap(List::stream)
        .toList();
  }

  private static KernelSignature loss(ClassRange range, int rung) {
    return gradient(range, rung).launch(range::launch);
  }

  private static KernelSignature lossOfFewRows(ClassRange range, int rung) {
    return ofFewRows(gradient(range, rung)).launch(range.byLanes(WARP)::launch);
  }

  /** A row by several warps. */
  private static KernelSignature.Builder byBlock(int rung) {
    return gradient(ClassRange.C1024, rung);
  }

  private static KernelSignature.Builder ofFewRows(KernelSignature.Builder kernel) {
    return kernel.requires(
        "at most %,d rows".formatted(FEW_ROWS), sizes -> sizes.rows() <= FEW_ROWS);
  }

  private static KernelSignature.Builder gradient(ClassRange range, int rung) {
    return inputs("distillation_loss_%s_fused_f32_v%d".formatted(range.name(), rung))
        .out("dz", FLOAT32, KernelSizes::logits)
        .float32("temperature", "alpha")
        .sizes("rows", "classes")
        .requires(range.requirement(), range::covers);
  }

  private static KernelSignature forward(ClassRange range) {
    return inputs("distillation_loss_forward_%s_fused_f32_v3".formatted(range.name()))
        .float32("temperature", "alpha")
        .sizes("rows", "classes")
        .requires(range.requirement(), range::covers)
        .launch(range::launch);
  }

  private static KernelSignature.Builder inputs(String symbol) {
    return KernelSignature.of(PTX, symbol)
        .in("z", FLOAT32, KernelSizes::logits)
        .inOrNull("v", FLOAT32, KernelSizes::logits)
        .in("labels", INT32, KernelSizes::rows)
        .in("labelledRows", INT32, sizes -> 1)
        .out("distillation", FLOAT32, KernelSizes::rows)
        .out("crossEntropy", FLOAT32, KernelSizes::rows)
        .out("outcome", INT32, KernelSizes::rows);
  }
}
