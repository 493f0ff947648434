package io.github.distillcuda.cuda.kernels;

import java.util.List;
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
   * so that it is the one to use.
   *
   * @throws IllegalArgumentException if none does
   */
  public static KernelSignature select(List<KernelSignature> kernels, KernelSizes sizes) {
    return kernels.stream()
        .filter(kernel -> kernel.accepts(sizes))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "no kernel for %s among %s"
                        .formatted(sizes, kernels.stream().map(KernelSignature::symbol).toList())));
  }
}
