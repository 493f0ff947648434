package io.github.distillcuda.emulator.spec;

import java.util.List;
import java.util.stream.Stream;

/** The kernels of the unfused chains for any number of classes, and those in bfloat16. */
final class DistillationLossUnfusedWideCases {
  private DistillationLossUnfusedWideCases() {}

  static List<KernelCase> all() {
    return Stream.of(ChainElementCases.ofBfloat16(), ChainRowCases.ofAnyLength())
        .flatMap(List::stream)
        .toList();
  }

  static Stream<KernelCase> counted() {
    return Stream.concat(ChainElementCases.countedOfBfloat16(), ChainRowCases.countedOfAnyLength());
  }
}
