package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.reference.ReferenceBackend;
import io.github.distillcuda.tensor.Shape;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The layers of the published networks, too large for golden files, against the reference backend:
 * libraries choose other code for these widths than for small ones. Inputs are whole numbers, so
 * that every sum is exact in float32 in whatever order it is taken, and nothing may differ but what
 * Winograd transforms: by less than one product is, so that none can be missing. Hundreds of
 * conv1's pooling windows and fifty of conv2's have several largest elements; the input's gradient
 * tells which of them got the gradient.
 */
interface RealLayerContract extends ContractFixture {
  static Stream<LayerSpec> layers() {
    return Stream.of(
        new ConvolutionSpec("teacher conv1", 3, 32, 32, 64),
        new ConvolutionSpec("teacher conv2", 64, 16, 16, 128),
        new LinearSpec("teacher fc1", Shape.of(128, 8, 8), 256, true),
        new LinearSpec("teacher fc2", Shape.of(256), 10, false),
        new ConvolutionSpec("student conv1", 3, 32, 32, 32),
        new ConvolutionSpec("student conv2", 32, 16, 16, 64),
        new LinearSpec("student fc1", Shape.of(64, 8, 8), 128, true),
        new LinearSpec("student fc2", Shape.of(128), 10, false));
  }

  @ParameterizedTest
  @MethodSource("io.github.distillcuda.backend.RealLayerContract#layers")
  default void itIsTheReferencesExactly(LayerSpec layer) {
    int batch = 3;
    LayerProbe actual = run(backend(), layer, batch);
    try (Backend reference = new ReferenceBackend(BackendOptions.DEFAULT)) {
      LayerProbe expected = run(reference, layer, batch);
      assertRounded(actual.output(), expected.output(), "output");
      assertRounded(actual.inputGradient(), expected.inputGradient(), "input gradient");
      double bound = tolerances().winogradGradient(layer, batch, largestInput());
      assertThat(bound).as("a product that is missing shows").isLessThan(0.5);
      Numbers.assertWithin(
          i -> bound, actual.weightGradient(), expected.weightGradient(), "weight gradient");
      Numbers.assertWithin(i -> 0, actual.biasGradient(), expected.biasGradient(), "bias gradient");
    }
  }

  /**
   * Returns the largest input. The largest sum has 8192 products of at most 4*4, far below 2^24.
   */
  default int largestInput() {
    return 4;
  }

  private LayerProbe run(Backend backend, LayerSpec layer, int batch) {
    int largest = largestInput();
    LayerProbe.Inputs inputs =
        new LayerProbe.Inputs(
            GoldenHash.integers(1, layer.weightShape().elements(), largest),
            GoldenHash.integers(2, layer.biasShape().elements(), largest),
            GoldenHash.integers(3, layer.inputShape().withBatch(batch).elements(), largest),
            GoldenHash.integers(4, layer.outputShape().withBatch(batch).elements(), largest));
    return LayerProbe.run(backend, layer, batch, inputs, true);
  }

  private void assertRounded(double[] actual, double[] expected, String what) {
    double rounding = tolerances().operand();
    Numbers.assertWithin(i -> rounding * Math.abs(expected[i]), actual, expected, what);
  }
}
