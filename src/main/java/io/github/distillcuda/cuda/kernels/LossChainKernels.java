package io.github.distillcuda.cuda.kernels;

import static io.github.distillcuda.cuda.kernels.ElementType.BFLOAT16;
import static io.github.distillcuda.cuda.kernels.ElementType.FLOAT32;

import java.util.List;
import java.util.stream.Stream;

/** The kernels of {@link LossChains} in one type; those by row in the order of choice. */
record LossChainKernels(
    KernelSignature scale,
    KernelSignature add,
    KernelSignature subtract,
    KernelSignature multiply,
    KernelSignature xlogx,
    KernelSignature negateExpand,
    KernelSignature sum,
    KernelSignature nll,
    KernelSignature nllBackward,
    KernelSignature crossEntropyBackward,
    List<KernelSignature> klForward,
    List<KernelSignature> crossEntropyForward,
    List<KernelSignature> rowOutcome) {
  private static final LossChainKernels FLOAT32_KERNELS =
      new LossChainKernels(
          DistillationLossUnfusedKernels.SCALE,
          DistillationLossUnfusedKernels.ADD,
          DistillationLossUnfusedKernels.SUBTRACT,
          DistillationLossUnfusedKernels.MULTIPLY,
          DistillationLossUnfusedKernels.XLOGX,
          DistillationLossUnfusedKernels.NEGATE_EXPAND,
          DistillationLossUnfusedKernels.SUM,
          DistillationLossUnfusedKernels.NLL,
          DistillationLossUnfusedKernels.NLL_BACKWARD,
          DistillationLossUnfusedKernels.CROSS_ENTROPY_BACKWARD,
          and(
              DistillationLossUnfusedKernels.KL_FORWARD,
              DistillationLossUnfusedWideKernels.klForward(FLOAT32)),
          and(
              DistillationLossUnfusedKernels.CROSS_ENTROPY_FORWARD,
              DistillationLossUnfusedWideKernels.crossEntropyForward(FLOAT32)),
          and(
              DistillationLossUnfusedKernels.ROW_OUTCOME,
              DistillationLossUnfusedWideKernels.rowOutcome(FLOAT32)));

  private static final LossChainKernels BFLOAT16_KERNELS =
      new LossChainKernels(
          DistillationLossUnfusedWideKernels.SCALE,
          DistillationLossUnfusedWideKernels.ADD,
          DistillationLossUnfusedWideKernels.SUBTRACT,
          DistillationLossUnfusedWideKernels.MULTIPLY,
          DistillationLossUnfusedWideKernels.XLOGX,
          DistillationLossUnfusedWideKernels.NEGATE_EXPAND,
          DistillationLossUnfusedWideKernels.SUM,
          DistillationLossUnfusedWideKernels.NLL,
          DistillationLossUnfusedWideKernels.NLL_BACKWARD,
          DistillationLossUnfusedWideKernels.CROSS_ENTROPY_BACKWARD,
          List.of(DistillationLossUnfusedWideKernels.klForward(BFLOAT16)),
          List.of(DistillationLossUnfusedWideKernels.crossEntropyForward(BFLOAT16)),
          List.of(DistillationLossUnfusedWideKernels.rowOutcome(BFLOAT16)));

  /** Returns those of a type, float32 or bfloat16. */
  static LossChainKernels of(ElementType type) {
    return type == FLOAT32 ? FLOAT32_KERNELS : BFLOAT16_KERNELS;
  }

  private static List<KernelSignature> and(List<KernelSignature> kernels, KernelSignature last) {
    return Stream.concat(kernels.stream(), Stream.of(last)).toList();
  }
}
