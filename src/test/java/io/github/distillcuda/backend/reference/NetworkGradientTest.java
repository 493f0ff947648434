package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The backward pass from the loss to every parameter, against the loss that the state reports. */
class NetworkGradientTest {
  private static final int BATCH = 7; // the seventh image of the data has no label

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.7, 1})
  void everyParameterOfAWholeStep(double alpha) {
    try (ReferenceBackend backend = new ReferenceBackend(BackendOptions.DEFAULT)) {
      StepState state = backend.createState();
      ParameterArena student = TinyStep.parameters(backend, 3, true, 1);
      ParameterArena teacher = TinyStep.parameters(backend, 4, false, 2);
      StepRecorder recorder = backend.record(BATCH);
      Batch rows = recorder.gather(TinyStep.data(backend, BATCH), state, null);
      List<LayerPass> teacherPasses = TinyStep.forward(recorder, teacher, rows.images(), false);
      List<LayerPass> passes = TinyStep.forward(recorder, student, rows.images(), true);
      Tensor gradient =
          recorder.loss(
              new LossSpec(5, alpha),
              passes.getLast().output(),
              teacherPasses.getLast().output(),
              rows,
              state);
      for (int i = passes.size() - 1; i >= 0; i--) {
        gradient = recorder.backward(passes.get(i), gradient, i > 0);
      }
      StepProgram program = recorder.build();

      DoubleSupplier meanLoss =
          () -> {
            state.beginEpoch(IntStream.range(0, BATCH).toArray());
            program.run(1);
            return state.read().lossSum() / BATCH;
          };
      for (int i = 0; i < student.values().size(); i++) {
        FiniteDifferences.assertGradient(
            meanLoss, student.values().get(i), student.gradients().get(i));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.5, 5, 100})
  void everyLogit(double temperature) {
    try (ReferenceBackend backend = new ReferenceBackend(BackendOptions.DEFAULT)) {
      StepState state = backend.createState();
      StepRecorder recorder = backend.record(2);
      Batch rows = recorder.gather(TinyStep.data(backend, 2), state, null);
      Tensor z = backend.createTensor("z", Shape.of(2, 4));
      Tensor v = backend.createTensor("v", z.shape());
      z.write(new double[] {1, -2, 0.5, 3, 0, 0.1, 0.2, 0.3});
      v.write(new double[] {2, 1, -1, 0, 0.3, 0.2, 0.1, 4});
      Tensor gradient = recorder.loss(new LossSpec(temperature, 0.7), z, v, rows, state);
      StepProgram program = recorder.build();

      FiniteDifferences.assertGradient(
          () -> {
            state.beginEpoch(new int[] {1, 0});
            program.run(1);
            return state.read().lossSum() / 2;
          },
          z,
          gradient);
    }
  }
}
