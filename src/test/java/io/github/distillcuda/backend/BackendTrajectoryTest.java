package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.GoldenTraining.Losses;
import io.github.distillcuda.backend.GoldenTraining.Teacher;
import io.github.distillcuda.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whole training steps against PyTorch in float64: data, teacher, student, loss, gradients and Adam
 * together. A run of steps shows that nothing is missing between them; but rounding grows from step
 * to step, so later steps are compared one by one, each from PyTorch's own state.
 */
abstract class BackendTrajectoryTest {
  private final ContractTolerances tolerances;
  private Backend backend;

  BackendTrajectoryTest(ContractTolerances tolerances) {
    this.tolerances = tolerances;
  }

  /** Opens a backend of the kind under test. */
  abstract Backend open(BackendOptions options);

  /** Returns the largest relative error that the losses of a step, counted from 1, may have. */
  abstract double lossTolerance(int step);

  /** Returns how many steps are compared. */
  abstract int steps();

  @BeforeEach
  void openBackend() {
    backend = open(BackendOptions.DEFAULT);
  }

  @AfterEach
  void closeBackend() {
    backend.close();
  }

  @ParameterizedTest
  @EnumSource(Teacher.class)
  void stepsFollowPyTorch(Teacher teacher) {
    GoldenTraining training = new GoldenTraining(backend, teacher);
    double[] golden = Golden.doubles("training.losses");
    for (int step = 1; step <= steps(); step++) {
      Losses losses = training.step();
      assertLosses(lossTolerance(step), losses, golden, 3 * (step - 1), "step " + step);
    }
    afterTheLastStep(training);
  }

  /** Looks at a training that has taken all steps. */
  void afterTheLastStep(GoldenTraining training) {}

  static IntStream snapshots() {
    return Arrays.stream(Golden.integers(Golden.section("training").get("snapshots")));
  }

  @ParameterizedTest
  @MethodSource("snapshots")
  void oneStepFromPyTorchsOwnStateIsPyTorchs(int step) {
    GoldenTraining training = new GoldenTraining(backend, Teacher.RECOMPUTED);
    training.load(step);
    String snapshot = "snapshot." + step + ".";
    Losses losses = training.step();
    assertLosses(tolerances.network(), losses, Golden.doubles(snapshot + "losses"), 0, snapshot);

    double[] gradients = Golden.doubles(snapshot + "gradients");
    double[] gradientBounds = gradientBounds(training.student().gradients(), gradients);
    Numbers.assertWithin(
        i -> gradientBounds[i],
        Numbers.of(training.student().gradients()),
        gradients,
        snapshot + "gradients");
    double[] updated = Golden.doubles(snapshot + "updated");
    UpdateError error = new UpdateError(step, gradients, gradientBounds);
    double[] bounds = new double[updated.length];
    Arrays.setAll(
        bounds,
        i ->
            error.of(i)
                + 2 * tolerances.epsilon() * Math.abs(updated[i])
                + tolerances.adam() * GoldenTraining.ADAM.learningRate());
    Numbers.assertWithin(i -> bounds[i], training.parameters(), updated, snapshot + "updated");
    // The bounds are worth something: most weights are known to a thousandth of their step.
    double[] sorted = bounds.clone();
    Arrays.sort(sorted);
    assertThat(sorted[sorted.length / 2]).isLessThan(1e-3 * GoldenTraining.ADAM.learningRate());
  }

  private static void assertLosses(
      double tolerance, Losses losses, double[] golden, int start, String what) {
    double[] actual = {losses.distillation(), losses.crossEntropy(), losses.loss()};
    for (int i = 0; i < actual.length; i++) {
      double expected = golden[start + i];
      Numbers.assertWithin(tolerance * expected, actual[i], expected, what + " loss " + i);
    }
  }

  /** Returns the bound of every element: a share of the largest of its tensor. */
  private double[] gradientBounds(List<Tensor> tensors, double[] golden) {
    double[] bounds = new double[golden.length];
    int start = 0;
    for (Tensor tensor : tensors) {
      int end = start + tensor.shape().elements();
      double largest = Numbers.largest(Arrays.copyOfRange(golden, start, end));
      Arrays.fill(bounds, start, end, tolerances.networkGradient() * largest);
      start = end;
    }
    return bounds;
  }

  /**
   * What an error of the gradient makes of Adam's step: nearly nothing where the moments are large,
   * up to two whole steps where the gradient is so small that its sign is not known.
   */
  private static final class UpdateError {
    private final double[] firstMoments;
    private final double[] secondMoments;
    private final double[] gradients;
    private final double[] bounds;
    private final int step;

    UpdateError(int step, double[] gradients, double[] bounds) {
      this.step = step;
      this.gradients = gradients;
      this.bounds = bounds;
      firstMoments = Golden.doubles("snapshot." + step + ".firstMoments");
      secondMoments = Golden.doubles("snapshot." + step + ".secondMoments");
    }

    /** Returns the largest change of one weight's step when its gradient errs by its bound. */
    double of(int i) {
      double exact = update(i, gradients[i]);
      return Math.max(
          Math.abs(update(i, gradients[i] + bounds[i]) - exact),
          Math.abs(update(i, gradients[i] - bounds[i]) - exact));
    }

    private double update(int i, double gradient) {
      AdamSpec adam = GoldenTraining.ADAM;
      double m = adam.beta1() * firstMoments[i] + (1 - adam.beta1()) * gradient;
      double v = adam.beta2() * secondMoments[i] + (1 - adam.beta2()) * gradient * gradient;
      double mean = m / (1 - Math.pow(adam.beta1(), step));
      double size = Math.sqrt(v / (1 - Math.pow(adam.beta2(), step)));
      return adam.learningRate() * mean / (size + adam.epsilon());
    }
  }
}
