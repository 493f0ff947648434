package io.github.distillcuda.emulator.spec;

import java.util.List;
import java.util.stream.Stream;

/** The kernels of the unfused chains in float32, to 1,024 classes. */
final class DistillationLossUnfusedCases {
  private DistillationLossUnfusedCases() {}

  static List<KernelCase> all() {
    return Stream.of(ChainElementCases.ofFloat32(), ChainRowCases.ofRanges())
        .flatMap(List::stream)
        .toList();
  }

  static Stream<LargeCase> ofManyRows() {
    return Stream.concat(ChainElementCases.ofManyRows(), ChainRowCases.ofManyRows());
  }

  static Stream<KernelCase> counted() {
    return Stream.concat(ChainElementCases.countedOfFloat32(), ChainRowCases.countedOfRanges());
  }
}
