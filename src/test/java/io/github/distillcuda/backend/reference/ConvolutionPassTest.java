package io.github.distillcuda.backend.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.distillcuda.backend.ConvolutionSpec;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ConvolutionPassTest {
  private static final int ROWS = 2;
  private static final ConvolutionSpec LAYER = new ConvolutionSpec("conv", 2, 4, 6, 3);

  @Test
  void forwardIsTheDefinition() {
    try (RecordedLayer probe = new RecordedLayer(LAYER, ROWS)) {
      probe.fill(1);
      probe.run();

      double[] x = RecordedLayer.values(probe.input);
      double[] w = RecordedLayer.values(probe.weight);
      double[] b = RecordedLayer.values(probe.bias);
      // 19 terms of at most 1, in another order.
      assertThat(RecordedLayer.values(probe.output))
          .containsExactly(definition(x, w, b), within(1e-14));
    }
  }

  /** Output by output, each reading its own window of the unpadded image. */
  private static double[] definition(double[] x, double[] w, double[] b) {
    double[] outputs = new double[ROWS * 3 * 2 * 3];
    Arrays.fill(outputs, 0); // the ReLU's floor
    for (int n = 0; n < ROWS; n++) {
      for (int o = 0; o < 3; o++) {
        for (int y = 0; y < 4; y++) {
          for (int column = 0; column < 6; column++) {
            int at = ((n * 3 + o) * 2 + y / 2) * 3 + column / 2;
            outputs[at] = Math.max(outputs[at], b[o] + window(x, w, n, o, y, column));
          }
        }
      }
    }
    return outputs;
  }

  private static double window(double[] x, double[] w, int n, int o, int y, int column) {
    double sum = 0;
    for (int i = 0; i < 2; i++) {
      for (int row = Math.max(0, y - 1); row <= Math.min(3, y + 1); row++) {
        for (int col = Math.max(0, column - 1); col <= Math.min(5, column + 1); col++) {
          double tap = w[o * 18 + i * 9 + (row - y + 1) * 3 + (col - column + 1)];
          sum += tap * x[n * 48 + i * 24 + row * 6 + col];
        }
      }
    }
    return sum;
  }

  @Test
  void gradientsAreThoseOfFiniteDifferences() {
    try (RecordedLayer probe = new RecordedLayer(LAYER, ROWS)) {
      probe.fill(2);
      FiniteDifferences.assertGradient(probe::objective, probe.weight, probe.weightGradient);
      FiniteDifferences.assertGradient(probe::objective, probe.bias, probe.biasGradient);
      FiniteDifferences.assertGradient(probe::objective, probe.input, probe.inputGradient);
    }
  }

  @Test
  void gradientsAreOverwrittenAtEachStep() {
    try (RecordedLayer probe = new RecordedLayer(LAYER, ROWS)) {
      probe.fill(3);
      probe.run();
      double[] weightGradient = RecordedLayer.values(probe.weightGradient);
      double[] biasGradient = RecordedLayer.values(probe.biasGradient);
      double[] inputGradient = RecordedLayer.values(probe.inputGradient);
      probe.run();

      assertThat(RecordedLayer.values(probe.weightGradient)).isEqualTo(weightGradient);
      assertThat(RecordedLayer.values(probe.biasGradient)).isEqualTo(biasGradient);
      assertThat(RecordedLayer.values(probe.inputGradient)).isEqualTo(inputGradient);
    }
  }

  @Test
  void theFirstOfEqualsInRowMajorOrderGetsTheGradient() {
    // The filter's centre alone passes, so that the input is what the pool sees.
    double[] left = {5, 5, 5, 5}; // all four equal
    double[] middle = {1, 7, 7, 7}; // three equal
    double[] right = {1, 2, 3, 3}; // the lower row
    assertThat(pooledGradient(left, middle, right))
        .containsExactly(1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 4, 0);
  }

  @Test
  void nothingPassesWhereTheReluIsZero() {
    double[] zero = {0, 0, 0, 0};
    double[] negative = {-1, -2, -3, -4};
    double[] one = {-1, 0, 1, 0};
    assertThat(pooledGradient(zero, negative, one))
        .containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0);
  }

  /** The gradient of a 2x6 image of three windows, for output gradients 1, 2 and 4. */
  private static double[] pooledGradient(double[] left, double[] middle, double[] right) {
    try (RecordedLayer probe = new RecordedLayer(new ConvolutionSpec("conv", 1, 2, 6, 1), 1)) {
      probe.weight.write(new double[] {0, 0, 0, 0, 1, 0, 0, 0, 0});
      double[][] windows = {left, middle, right};
      double[] image = new double[12];
      for (int window = 0; window < 3; window++) {
        image[2 * window] = windows[window][0];
        image[2 * window + 1] = windows[window][1];
        image[6 + 2 * window] = windows[window][2];
        image[6 + 2 * window + 1] = windows[window][3];
      }
      probe.input.write(image);
      probe.outputGradient.write(new double[] {1, 2, 4});
      probe.run();
      return RecordedLayer.values(probe.inputGradient);
    }
  }

  @Test
  void oneNaNAnywhereInAWindowIsItsMaximum() {
    // In the middle of the image a NaN fills 3x3 positions, which meet the four windows in one,
    // two, two and four of their elements.
    for (int middle : new int[] {5, 6, 9, 10}) {
      try (RecordedLayer probe = new RecordedLayer(new ConvolutionSpec("conv", 1, 4, 4, 1), 1)) {
        probe.weight.write(new double[] {0, 0, 0, 0, 1, 0, 0, 0, 0});
        double[] image = new double[16];
        Arrays.fill(image, 9);
        image[middle] = Double.NaN;
        probe.input.write(image);
        probe.run();

        assertThat(RecordedLayer.values(probe.output)).as("%d", middle).containsOnly(Double.NaN);
      }
    }
  }

  @Test
  void oneNaNReachesEveryOutputThatSeesIt() {
    for (int corner : new int[] {0, 1, 6, 7}) {
      try (RecordedLayer probe = new RecordedLayer(new ConvolutionSpec("conv", 1, 2, 6, 1), 1)) {
        probe.weight.write(new double[] {0, 0, 0, 0, 1, 0, 0, 0, 0});
        double[] image = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};
        image[corner] = Double.NaN;
        probe.input.write(image);
        probe.outputGradient.write(new double[] {1, 1, 1});
        probe.run();

        double[] output = RecordedLayer.values(probe.output);
        assertThat(output[0]).as("NaN at %d", corner).isNaN();
        assertThat(output[2]).isEqualTo(9); // the third window lies beyond the filter's reach
        assertThat(RecordedLayer.values(probe.weightGradient)[4]).isNaN();
      }
    }
  }
}
