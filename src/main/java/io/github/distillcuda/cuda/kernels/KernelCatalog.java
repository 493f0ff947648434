package io.github.distillcuda.cuda.kernels;

import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Every kernel of the committed PTX. */
public final class KernelCatalog {
  private static final List<KernelSignature> ALL =
      Stream.of(
              GatherKernels.ALL,
              DistillationLossFusedKernels.ALL,
              DistillationLossWideKernels.ALL,
              DistillationLossUnfusedKernels.ALL,
              DistillationLossUnfusedWideKernels.ALL,
              TemperatureSoftmaxKernels.ALL,
              TemperatureSoftmaxWideKernels.ALL,
              ConvolutionBlockKernels.ALL,
              ImageConvolutionKernels.ALL,
              ConvolutionKernels.ALL,
              FilterGradientKernels.ALL,
              FilterGradientTensorCoreKernels.ALL,
              AdamKernels.ALL,
              ReductionKernels.ALL,
              RoundingKernels.ALL)
          .flatMap(List::stream)
          .toList();

  private KernelCatalog() {}

  /** Returns every kernel, family by family. */
  public static List<KernelSignature> all() {
    return ALL;
  }

  /**
   * Returns the first of some kernels that accepts the sizes; the lists of the families are sorted
   * so that it is the one to use. For kernels that every GPU of their PTX runs.
   *
   * @throws IllegalArgumentException if none does
   */
  public static KernelSignature select(List<KernelSignature> kernels, KernelSizes sizes) {
    return first(kernels, kernel -> kernel.accepts(sizes), sizes.toString());
  }

  /**
   * The same for a GPU, which is taken to have room for the clusters that it knows, as a whole one
   * has.
   *
   * @param computeCapability of the GPU, such as 90 for 9.0
   * @param sharedBytes the most shared memory that a block may have there
   * @throws IllegalArgumentException if none of the kernels runs there with these sizes
   */
  public static KernelSignature select(
      List<KernelSignature> kernels, KernelSizes sizes, int computeCapability, int sharedBytes) {
    return first(
        kernels,
        kernel -> kernel.runsOn(computeCapability, sharedBytes, sizes),
        "%s on compute capability %d.%d"
            .formatted(sizes, computeCapability / 10, computeCapability % 10));
  }

  private static KernelSignature first(
      List<KernelSignature> kernels, Predicate<KernelSignature> runs, String what) {
    return kernels.stream()
        .filter(runs)
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "no kernel for %s among %s"
                        .formatted(what, kernels.stream().map(KernelSignature::symbol).toList())));
  }
}
