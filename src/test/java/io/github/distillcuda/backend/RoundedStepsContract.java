package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.GoldenTraining.Teacher;
import io.github.distillcuda.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole steps of training where the factors of products are rounded to fewer bits than float32. */
interface RoundedStepsContract extends ContractFixture {
  /**
   * Returns how far a loss of the first twenty may be off, as a part of itself: the mean of the
   * errors of its operands. Adam turns the error of a small gradient into one of a whole weight,
   * which grows from step to step.
   */
  double stepTolerance();

  @ParameterizedTest
  @EnumSource(Teacher.class)
  default void twentyStepsFollowPyTorch(Teacher teacher) {
    GoldenTraining training = new GoldenTraining(backend(), teacher);
    double[] golden = Golden.doubles("training.losses");
    for (int step = 0; step < 20; step++) {
      double expected = golden[3 * step + 2];
      double loss = training.step().loss();
      Numbers.assertWithin(stepTolerance() * expected, loss, expected, "step " + step);
    }
  }

  /**
   * In the norm: where another of a pooling window is the largest, single elements go elsewhere.
   */
  @ParameterizedTest
  @MethodSource("io.github.distillcuda.backend.BackendTrajectoryTest#snapshots")
  default void gradientsFromPyTorchsOwnStateArePyTorchs(int step) {
    GoldenTraining training = new GoldenTraining(backend(), Teacher.RECOMPUTED);
    training.load(step);
    training.step();
    double[] golden = Golden.doubles("snapshot." + step + ".gradients");
    int start = 0;
    for (Tensor gradient : training.student().gradients()) {
      double[] expected = Arrays.copyOfRange(golden, start, start + gradient.shape().elements());
      assertThat(Numbers.relativeDistance(Numbers.of(gradient), expected))
          .as(gradient.name())
          .isLessThan(tolerances().networkGradient());
      start += expected.length;
    }
  }
}
