package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.GoldenTraining.Teacher;
import io.github.distillcuda.tensor.Shape;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What changes from step to step: cursor, step number and sums, over full and tail batches. */
interface StateContract extends ContractFixture {
  @Test
  default void aStateStartsAtTheStart() {
    StepState state = backend().createState();
    assertThat(state.read()).isEqualTo(StepProgress.START);
    state.beginEpoch(new int[] {0, 1});
    assertThat(state.read()).isEqualTo(StepProgress.START);
  }

  @Test
  default void allNumbersCanBeRestored() {
    StepState state = backend().createState();
    state.beginEpoch(new int[20]);
    StepProgress progress = new StepProgress(16, 1234567890123L, 1.25, 2.5, 15, 7, 3.75, 99);
    state.restore(progress);
    assertThat(state.read()).isEqualTo(progress);
  }

  @Test
  default void aNewEpochClearsItsSumsAndKeepsTheStepNumber() {
    StepState state = backend().createState();
    state.beginEpoch(new int[20]);
    state.restore(new StepProgress(16, 5, 1.25, 2.5, 15, 7, 3.75, 4));
    state.beginEpoch(new int[20]);
    assertThat(state.read()).isEqualTo(new StepProgress(0, 5, 0, 0, 0, 0, 0, 4));
  }

  @Test
  default void twoProgramsOfDifferentBatchesShareStateAndParameters() {
    GoldenTraining training = new GoldenTraining(backend(), Teacher.CACHED);
    for (int step = 1; step < GoldenTraining.EPOCH; step++) {
      training.step();
    }
    StepProgress beforeTail = training.state().read();
    assertThat(beforeTail.cursor()).isEqualTo(200 - GoldenTraining.TAIL);
    double[] parameters = training.parameters();

    training.step();
    StepProgress afterTail = training.state().read();
    assertThat(afterTail.cursor()).isEqualTo(200);
    assertThat(afterTail.optimizerStep()).isEqualTo(GoldenTraining.EPOCH);
    assertThat(afterTail.labelledRows()).isEqualTo(200);
    assertThat(afterTail.firstNonFiniteStep()).isZero();
    assertThat(training.parameters()).isNotEqualTo(parameters);
    // lossSum counts rows: 0.7 and 0.3 of the other two sums, which every step's mean is made of.
    Numbers.assertWithin(
        1e-12 * afterTail.lossSum(),
        0.7 * afterTail.distillationSum() + 0.3 * afterTail.crossEntropySum(),
        afterTail.lossSum(),
        "sums of the epoch");
  }

  @Test
  default void manyStepsInOneCallAreThoseStepsOneByOne() {
    GoldenTraining oneByOne = new GoldenTraining(backend(), Teacher.CACHED);
    GoldenTraining together = new GoldenTraining(another(), Teacher.CACHED);
    for (int step = 0; step < 4; step++) {
      oneByOne.step();
    }
    assertThat(together.run(4)).isEqualTo(oneByOne.state().read());
    Numbers.assertSameBits(together.parameters(), oneByOne.parameters(), "parameters");
  }

  @Test
  default void aRestoredTrainingGoesOnToTheSameBits() {
    GoldenTraining interrupted = new GoldenTraining(backend(), Teacher.CACHED);
    interrupted.run(11);
    GoldenTraining resumed = new GoldenTraining(another(), Teacher.CACHED);
    resumed.resume(interrupted);
    // Over the tail and into the next epoch.
    for (int step = 0; step < 3; step++) {
      assertThat(resumed.step()).isEqualTo(interrupted.step());
    }
    assertThat(resumed.state().read()).isEqualTo(interrupted.state().read());
    Numbers.assertSameBits(resumed.parameters(), interrupted.parameters(), "parameters");
  }

  /** Evaluation in any batch size leaves the same logits and counts. */
  @Test
  default void anEvaluationDoesNotDependOnHowItIsSplit() {
    Shape image = Shape.of(3, 4, 6);
    LayerSpec layer = new ConvolutionSpec("conv", 3, 4, 6, 5);
    LayerSpec last = new LinearSpec("fc", layer.outputShape(), 4, false);
    int images = 24;
    ParameterArena arena = backend().createParameters(java.util.List.of(layer, last), 8, false);
    for (var tensor : arena.values()) {
      tensor.write(GoldenHash.weights(tensor.shape().rank(), tensor.shape().elements(), 9));
    }
    byte[] bytes = new byte[images * image.elements()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) GoldenHash.hash(6, i);
    }
    ResidentDataset data = backend().upload(image, bytes, GoldenHash.labels(7, images, 4));
    StepProgress expectedSums = null;
    float[] expected = null;
    for (int batch : new int[] {24, 8, 3, 1}) {
      StepState state = backend().createState();
      LogitsTable table = backend().createLogitsTable(images, 4);
      StepRecorder recorder = backend().record(batch);
      Batch rows = recorder.gather(data, state, null);
      var features = recorder.forward(layer, arena, rows.images(), false).output();
      var logits = recorder.forward(last, arena, features, false).output();
      recorder.loss(LossSpec.CROSS_ENTROPY, logits, null, rows, state);
      recorder.store(logits, rows, table);
      recorder.advance(state);
      StepProgram program = recorder.build();
      state.beginEpoch(IntStream.range(0, images).toArray());
      program.run(images / batch);
      float[] read = new float[images * 4];
      table.read(read);
      StepProgress sums = state.read();
      if (expected == null) {
        expected = read;
        expectedSums = sums;
      }
      assertThat(sums.correct()).isEqualTo(expectedSums.correct());
      assertThat(sums.labelledRows()).isEqualTo(images);
      double bound = tolerances().network() * Numbers.largest(Numbers.widened(expected));
      Numbers.assertWithin(
          i -> bound, Numbers.widened(read), Numbers.widened(expected), "logits");
      Numbers.assertWithin(
          images * bound, sums.crossEntropySum(), expectedSums.crossEntropySum(), "CE");
    }
  }
}
