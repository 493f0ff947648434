package io.github.distillcuda.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.backend.reference.TinyStep;
import io.github.distillcuda.cuda.CudaGraph;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.tensor.Tensor;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The operations of a recorded step, one by one, on an emulated device. */
class RecordedStagesTest {
  private static final int IMAGES = 40;
  private static final int BATCH = 4;
  private static final int[] ORDER = IntStream.range(0, IMAGES).toArray();

  static Stream<BackendOptions> options() {
    return Stream.of(Precision.FP32, Precision.BF16)
        .flatMap(
            precision ->
                Stream.of(Kernels.values())
                    .flatMap(
                        kernels ->
                            Stream.of(Layers.values())
                                .map(
                                    layers ->
                                        new BackendOptions(
                                            0, true, kernels, layers, precision, Engine.AUTO))));
  }

  /** A student and a teacher that runs in every step. */
  private static final class Training implements AutoCloseable {
    private final Backend backend;
    private final DeviceScope scope = new DeviceScope();
    private final StepState state;
    private final ParameterArena student;
    private final StepProgram program;
    private final RecordedStages recorded;

    Training(BackendOptions options) {
      backend = new CudaBackend(EmulatedEngine.of(new EmulatedDevice()), 0, options);
      ResidentDataset data = TinyStep.data(backend, IMAGES);
      state = backend.createState();
      ParameterArena teacher = TinyStep.parameters(backend, 3, false, 1);
      student = TinyStep.parameters(backend, 2, true, 2);
      program =
          TinyStep.train(backend, BATCH, data, state, student, new LossSpec(5, 0.7), null, teacher);
      recorded = new RecordedStages(program, state, student, scope);
    }

    void launch(RecordedStages.Stage stage, int times) {
      try (CudaGraph graph = recorded.capture(stage, times)) {
        graph.launch(recorded.stream());
        recorded.stream().synchronize();
      }
    }

    /** Everything that a step changes for the next one, and the gradients. */
    List<Object> contents() {
      return Stream.concat(
              Stream.of((Object) state.read()),
              Stream.of(
                      student.values(),
                      student.gradients(),
                      student.firstMoments(),
                      student.secondMoments())
                  .flatMap(List::stream)
                  .map(RecordedStagesTest::values))
          .toList();
    }

    @Override
    public void close() {
      try (backend) {
        scope.close();
      }
    }
  }

  private static List<Float> values(Tensor tensor) {
    float[] values = new float[tensor.shape().elements()];
    tensor.read(values);
    return IntStream.range(0, values.length).mapToObj(i -> values[i]).toList();
  }

  @ParameterizedTest
  @MethodSource("options")
  void stagesOneByOneAreTheStep(BackendOptions options) {
    try (Training whole = new Training(options);
        Training apart = new Training(options)) {
      whole.state.beginEpoch(ORDER);
      whole.program.run(1);

      apart.state.beginEpoch(ORDER);
      apart.recorded.stages().forEach(stage -> apart.launch(stage, 1));

      assertThat(apart.contents()).isEqualTo(whole.contents());
    }
  }

  @ParameterizedTest
  @MethodSource("options")
  void repeatsAreTakenBack(BackendOptions options) {
    try (Training training = new Training(options)) {
      training.recorded.train(ORDER);
      List<Object> before = training.contents();
      Set<String> changing = Set.of("adam", "advance", "row sums");
      assertThat(training.recorded.stages())
          .extracting(RecordedStages.Stage::name)
          .containsAll(changing);

      for (RecordedStages.Stage stage : training.recorded.stages()) {
        training.launch(stage, 3);
        training.recorded.restore();
        if (changing.contains(stage.name())) {
          assertThat(training.contents()).as(stage.name()).isEqualTo(before);
        }
      }
      training.recorded.train(ORDER);
    }
  }

  @Test
  void whatIsNotFiniteIsNotTimed() {
    try (Training training = new Training(BackendOptions.DEFAULT)) {
      Tensor bias = training.student.values().getLast();
      bias.write(new float[] {Float.NaN, 0, 0, 0});

      assertThatExceptionOfType(DistillException.class)
          .isThrownBy(() -> training.recorded.train(ORDER))
          .withMessageContaining("firstNonFiniteStep=1");
    }
  }

  @Test
  void teacherAndStudentAreTold() {
    try (Training training = new Training(BackendOptions.DEFAULT)) {
      assertThat(
              training.recorded.stages().stream()
                  .filter(stage -> stage.network().equals("teacher"))
                  .map(stage -> stage.name().split(" ")[0])
                  .collect(Collectors.toSet()))
          .containsExactlyInAnyOrder("conv1", "conv2", "fc1", "fc2");
      assertThat(training.recorded.stages().getFirst().network()).isEmpty();
      assertThat(training.recorded.stages().getLast().name()).isEqualTo("advance");
    }
  }
}
