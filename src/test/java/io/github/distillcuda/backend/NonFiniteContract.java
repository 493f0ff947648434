package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.GoldenTraining.Teacher;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * One NaN or infinity anywhere stops the training: the state names the step and keeps it, and no
 * parameter is written any more. Libraries drop NaN in ReLU and pooling, so a network that only
 * looks at its loss would train on.
 */
interface NonFiniteContract extends ContractFixture {
  @Test
  default void inAnyParameter() {
    GoldenTraining training = new GoldenTraining(backend(), Teacher.CACHED);
    training.run(2);
    StepProgress sound = training.state().read();
    for (Tensor tensor : training.student().values()) {
      double[] values = Numbers.of(tensor);
      for (double value : new double[] {Double.NaN, Double.NEGATIVE_INFINITY}) {
        double[] spoiled = values.clone();
        spoiled[values.length / 2] = value;
        tensor.write(spoiled);
        assertStopsAt(3, training);
        tensor.write(values);
        training.state().restore(sound);
      }
    }
    training.run(1);
    assertThat(training.state().read().firstNonFiniteStep()).as("sound again").isZero();
  }

  @Test
  default void inTheTeachersLogits() {
    for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      GoldenTraining training = new GoldenTraining(backend(), Teacher.CACHED);
      training.run(1);
      float[] logits = new float[GoldenTraining.IMAGES * GoldenTraining.CLASSES];
      training.teacherCache().read(logits);
      // The last image of the third batch: the second step is still sound.
      int image = GoldenTraining.order(0)[3 * GoldenTraining.BATCH - 1];
      logits[image * GoldenTraining.CLASSES] = value;
      training.teacherCache().write(logits);
      training.run(1);
      assertStopsAt(3, training);
    }
  }

  /** alpha = 0 is the baseline: whatever the teacher is, it is not read. */
  @Test
  default void aTeacherThatIsNotReadStopsNothingAndChangesNoBit() {
    GoldenTraining baseline = new GoldenTraining(backend(), Teacher.CACHED, LossSpec.CROSS_ENTROPY);
    GoldenTraining training = new GoldenTraining(another(), Teacher.CACHED, new LossSpec(5, 0));
    float[] logits = new float[GoldenTraining.IMAGES * GoldenTraining.CLASSES];
    Arrays.fill(logits, Float.NaN);
    training.teacherCache().write(logits);
    assertThat(training.run(5)).isEqualTo(baseline.run(5));
    assertThat(training.state().read().firstNonFiniteStep()).isZero();
    Numbers.assertSameBits(training.parameters(), baseline.parameters(), "parameters");
  }

  /** Logits that are not finite are noted by the loss itself, as an evaluation needs it. */
  @Test
  default void inTheStudentsLogits() {
    for (float value : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
      LossProbe probe =
          LossProbe.run(
              backend(), LossSpec.CROSS_ENTROPY, new float[] {1, 2, value, 3}, null, 0, 1);
      assertThat(probe.progress().firstNonFiniteStep()).isEqualTo(1);
    }
  }

  /** A gradient may overflow though logits and parameters are finite. */
  @Test
  default void inAGradient() {
    for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      GivenGradient given = new GivenGradient(backend());
      assertThat(given.step(1).firstNonFiniteStep()).isZero();
      double[] sound = given.parameters();
      assertThat(given.step(value).firstNonFiniteStep()).isEqualTo(2);
      // Sound gradients again: the number is sticky, and so is the stop.
      assertThat(given.step(1).firstNonFiniteStep()).isEqualTo(2);
      assertThat(given.parameters()).containsExactly(sound);
    }
  }

  @Test
  default void theFirstStepOfTwoIsNamed() {
    GivenGradient given = new GivenGradient(backend());
    given.state.restore(new StepProgress(0, 7, 0, 0, 0, 0, 0, 4));
    double[] parameters = given.parameters();
    assertThat(given.step(1).firstNonFiniteStep()).isEqualTo(4);
    assertThat(given.step(Float.NaN).firstNonFiniteStep()).isEqualTo(4);
    assertThat(given.parameters()).containsExactly(parameters);
  }

  /** A linear layer and Adam, with a gradient of the layer's output that the test gives. */
  final class GivenGradient {
    final StepState state;
    private final ParameterArena arena;
    private final Tensor outputGradient;
    private final StepProgram program;

    GivenGradient(Backend backend) {
      LayerSpec layer = new LinearSpec("fc", Shape.of(3), 2, false);
      arena = backend.createParameters(List.of(layer), 2, true);
      arena.values().getFirst().write(new float[] {1, 2, 3, 4, 5, 6});
      Tensor input = backend.createTensor("input", Shape.of(2, 3));
      input.write(new float[] {1, 1, 1, 1, 1, 1});
      outputGradient = backend.createTensor("outputGradient", Shape.of(2, 2));
      state = backend.createState();
      state.beginEpoch(new int[8]);
      StepRecorder recorder = backend.record(2);
      LayerPass pass = recorder.forward(layer, arena, input, true);
      recorder.backward(pass, outputGradient, false);
      recorder.adam(GoldenTraining.ADAM, arena, state);
      recorder.advance(state);
      program = recorder.build();
    }

    /** Takes a step with one element of the gradient given and the others 1. */
    StepProgress step(float element) {
      outputGradient.write(new float[] {1, element, 1, 1});
      program.run(1);
      return state.read();
    }

    double[] parameters() {
      return Numbers.of(arena.values());
    }
  }

  private static void assertStopsAt(long step, GoldenTraining training) {
    double[] parameters = training.parameters();
    double[] moments = Numbers.of(training.student().firstMoments());
    for (int more = 0; more < 2; more++) {
      assertThat(training.run(1).firstNonFiniteStep()).isEqualTo(step);
      Numbers.assertSameBits(training.parameters(), parameters, "parameters");
      Numbers.assertSameBits(
          Numbers.of(training.student().firstMoments()), moments, "first moments");
    }
  }
}
