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
              LossCases.all(),
              WideLossCases.all(),
              ChainCases.all(),
              ChainRowCases.all(),
              SoftmaxCases.all(),
              PoolCases.all(),
              PooledConvolutionCases.all(),
              ConvolutionCases.all(),
              LinearCases.all(),
              AdamCases.all(),
              StepCases.all(),
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
            LossCases.counted(),
            WideLossCases.counted(),
            SoftmaxCases.counted(),
            ChainRowCases.counted(),
            ChainCases.counted(),
            GatherCases.counted(),
            PoolCases.counted(),
            PooledConvolutionCases.counted(),
            ConvolutionCases.counted(),
            LinearCases.counted(),
            AdamCases.counted(),
            StepCases.counted(),
            RoundingCases.counted())
        .flatMap(cases -> cases);
  }

  /** Those of {@link Shapes#MANY_ROWS} rows, of every kernel that works on rows of classes. */
  static Map<String, List<LargeCase>> ofManyRows() {
    return Stream.of(
            LossCases.ofManyRows(),
            ChainCases.ofManyRows(),
            ChainRowCases.ofManyRows(),
            SoftmaxCases.ofManyRows())
        .flatMap(cases -> cases)
        .collect(
            Collectors.groupingBy(
                large -> large.kernel().symbol(), TreeMap::new, Collectors.toList()));
  }
}
