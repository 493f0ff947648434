package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.FilterGradientTensorCoreKernels;
import io.github.distillcuda.emulator.spec.FilterGradientCases.FirstStage;
import io.github.distillcuda.emulator.spec.FilterGradientCases.Numbers;
import java.util.List;
import java.util.stream.Stream;

/** The first stage of {@link FilterGradientCases} on tensor cores. */
final class FilterGradientTensorCoreCases {
  /**
   * Tiles are 8 x 16 pixels, 16 inputs and 32 outputs: below, at and above them. The last three
   * have up to four tiles a block, which are 7 tiles, 14 and 3 apart: within an image, over images
   * and both.
   */
  private static final List<PooledLayer> LAYERS =
      List.of(
          new PooledLayer(1, 1, 1, 2, 2),
          new PooledLayer(2, 2, 7, 4, 18),
          new PooledLayer(1, 3, 33, 10, 34),
          new PooledLayer(1, 16, 32, 8, 16),
          new PooledLayer(3, 17, 16, 16, 16),
          new PooledLayer(3, 5, 9, 20, 36),
          new PooledLayer(9, 2, 3, 10, 34),
          new PooledLayer(9, 32, 64, 4, 4));

  /** A warp has half of a tile's columns, eight pixels a row and product. */
  private static final FirstStage TF32 =
      new FirstStage(FilterGradientTensorCoreKernels.PARTIALS, 4, 8);

  private FilterGradientTensorCoreCases() {}

  static List<KernelCase> all() {
    return Stream.of(Numbers.values())
        .flatMap(
            numbers ->
                LAYERS.stream().map(layer -> FilterGradientCases.partials(TF32, layer, numbers)))
        .toList();
  }

  static Stream<KernelCase> counted() {
    return Stream.of(FilterGradientCases.FIRST, FilterGradientCases.SECOND)
        .map(layer -> FilterGradientCases.partials(TF32, layer, Numbers.DRAWN));
  }
}
