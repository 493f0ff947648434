package io.github.distillcuda.backend.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.distillcuda.tensor.Tensor;
import java.util.Arrays;
import java.util.function.DoubleSupplier;

/** Gradients judged by central differences of the function itself. */
final class FiniteDifferences {
  /**
   * Small enough that no ReLU and no maximum changes sides between the two points (for the fixed
   * seeds of these tests), large enough that the function's rounding, about 1e-15, divided by it
   * stays at 1e-9.
   */
  private static final double STEP = 1e-6;

  private FiniteDifferences() {}

  /**
   * Asserts every element of a gradient, within 1e-6 of the gradient's largest element: that is ten
   * times what the rounding above comes to, and 1e-6 of what a wrong index would give.
   *
   * @param function runs the step and returns the scalar
   * @param variable what to vary
   * @param gradient what the step writes as the scalar's gradient with respect to it
   */
  static void assertGradient(DoubleSupplier function, Tensor variable, Tensor gradient) {
    function.getAsDouble();
    double[] claimed = RecordedLayer.values(gradient);
    double largest = Arrays.stream(claimed).map(Math::abs).max().orElseThrow();
    assertThat(largest).as("%s is not zero", gradient.name()).isGreaterThan(1e-3);
    double[] point = RecordedLayer.values(variable);
    double[] measured = new double[point.length];
    for (int i = 0; i < point.length; i++) {
      double[] moved = point.clone();
      moved[i] = point[i] + STEP;
      variable.write(moved);
      double above = function.getAsDouble();
      moved[i] = point[i] - STEP;
      variable.write(moved);
      double below = function.getAsDouble();
      measured[i] = (above - below) / (2 * STEP);
    }
    variable.write(point);
    assertThat(claimed).as(gradient.name()).containsExactly(measured, within(1e-6 * largest));
  }
}
