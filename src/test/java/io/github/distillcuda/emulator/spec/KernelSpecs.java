package io.github.distillcuda.emulator.spec;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The cases of every shipped kernel, by symbol. */
final class KernelSpecs {
  private static final Map<String, List<KernelCase>> BY_KERNEL =
      Stream.of(
              GatherCases.all(),
              DistillationLossFusedCases.all(),
              DistillationLossWideCases.all(),
              DistillationLossUnfusedCases.all(),
              DistillationLossUnfusedWideCases.all(),
              TemperatureSoftmaxCases.all(),
              TemperatureSoftmaxWideCases.all(),
              ConvolutionBlockCases.all(),
              ImageConvolutionCases.all(),
              ConvolutionCases.all(),
              FilterGradientCases.all(),
              FilterGradientTensorCoreCases.all(),
              AdamCases.all(),
              ReductionCases.all(),
              RoundingCases.all())
          .flatMap(List::stream)
          .collect(
              Collectors.groupingBy(
                  kernelCase -> kernelCase.kernel().symbol(), TreeMap::new, Collectors.toList()));

  private KernelSpecs() {}

  static Map<String, List<KernelCase>> byKernel() {
    return BY_KERNEL;
  }

  /** One launch of each kernel and shape whose counts are kept. */
  static Stream<KernelCase> counted() {
    return Stream.of(
            GatherCases.counted(),
            DistillationLossFusedCases.counted(),
            DistillationLossWideCases.counted(),
            DistillationLossUnfusedCases.counted(),
            DistillationLossUnfusedWideCases.counted(),
            TemperatureSoftmaxCases.counted(),
            TemperatureSoftmaxWideCases.counted(),
            ConvolutionBlockCases.counted(),
            ImageConvolutionCases.counted(),
            ConvolutionCases.counted(),
            FilterGradientCases.counted(),
            FilterGradientTensorCoreCases.counted(),
            AdamCases.counted(),
            ReductionCases.counted(),
            RoundingCases.counted())
        .flatMap(cases -> cases);
  }

  /** Those of {@link Shapes#MANY_ROWS} rows, of every kernel that works on rows of classes. */
  static Map<String, List<LargeCase>> ofManyRows() {
    return Stream.of(
            DistillationLossFusedCases.ofManyRows(),
            DistillationLossUnfusedCases.ofManyRows(),
            TemperatureSoftmaxCases.ofManyRows())
        .flatMap(cases -> cases)
        .collect(
            Collectors.groupingBy(
                large -> large.kernel().symbol(), TreeMap::new, Collectors.toList()));
  }
}
