package io.github.distillcuda.backend.reference;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.tensor.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LinearPassTest {
  @Test
  void handComputed() {
    try (RecordedLayer probe = new RecordedLayer(new LinearSpec("fc", Shape.of(3), 2, false), 2)) {
      probe.weight.write(new double[] {1, 2, 3, -4, 5, -6});
      probe.bias.write(new double[] {10, 20});
      probe.input.write(new double[] {1, 1, 1, 2, 0, -1});
      probe.outputGradient.write(new double[] {1, 2, 3, 4});
      probe.run();

      assertThat(RecordedLayer.values(probe.output)).containsExactly(16, 15, 9, 18);
      assertThat(RecordedLayer.values(probe.biasGradient)).containsExactly(4, 6);
      assertThat(RecordedLayer.values(probe.weightGradient)).containsExactly(7, 1, -2, 10, 2, -2);
      assertThat(RecordedLayer.values(probe.inputGradient))
          .containsExactly(-7, 12, -9, -13, 26, -15);
    }
  }

  @Test
  void imagesAreReadInTheirFlattenOrder() {
    Shape image = Shape.of(2, 3, 4);
    try (RecordedLayer probe = new RecordedLayer(new LinearSpec("fc", image, 1, false), 1)) {
      double[] pixels = new double[24];
      pixels[1 * 12 + 2 * 4 + 3] = 7; // c*H*W + h*W + w at c=1, h=2, w=3
      double[] weight = new double[24];
      weight[23] = 2;
      probe.input.write(pixels);
      probe.weight.write(weight);
      probe.run();

      assertThat(RecordedLayer.values(probe.output)).containsExactly(14);
      assertThat(probe.inputGradient.shape()).isEqualTo(image.withBatch(1));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void gradientsAreThoseOfFiniteDifferences(boolean relu) {
    try (RecordedLayer probe = new RecordedLayer(new LinearSpec("fc", Shape.of(5), 4, relu), 3)) {
      probe.fill(4);
      FiniteDifferences.assertGradient(probe::objective, probe.weight, probe.weightGradient);
      FiniteDifferences.assertGradient(probe::objective, probe.bias, probe.biasGradient);
      FiniteDifferences.assertGradient(probe::objective, probe.input, probe.inputGradient);
    }
  }

  @Test
  void reluKeepsNaNAndStopsTheGradientAtZero() {
    try (RecordedLayer probe = new RecordedLayer(new LinearSpec("fc", Shape.of(1), 1, true), 4)) {
      probe.weight.write(new double[] {1});
      probe.input.write(new double[] {Double.NaN, 0, -1, 2});
      probe.outputGradient.write(new double[] {1, 1, 1, 1});
      probe.run();

      assertThat(RecordedLayer.values(probe.output)).containsExactly(Double.NaN, 0, 0, 2);
      assertThat(RecordedLayer.values(probe.inputGradient)).containsExactly(1, 0, 0, 1);
      assertThat(RecordedLayer.values(probe.weightGradient)).containsExactly(Double.NaN);
    }
  }
}
