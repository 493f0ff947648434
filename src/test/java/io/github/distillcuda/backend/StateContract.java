package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.GoldenTraining.Teacher;
import io.github.distillcuda.tensor.Tensor;
import java.util.List;
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
    assertThat(beforeTail.cursor()).isEqualTo(GoldenTraining.IMAGES - GoldenTraining.TAIL);
    double[] parameters = training.parameters();

    training.step();
    StepProgress afterTail = training.state().read();
    assertThat(afterTail.cursor()).isEqualTo(GoldenTraining.IMAGES);
    assertThat(afterTail.optimizerStep()).isEqualTo(GoldenTraining.EPOCH);
    assertThat(afterTail.labelledRows()).isEqualTo(GoldenTraining.IMAGES);
    assertThat(afterTail.firstNonFiniteStep()).isZero();
    assertThat(training.parameters()).isNotEqualTo(parameters);
    // lossSum counts rows: 0.7 and 0.3 of the other two sums, which every step's mean is made of;
    // where rows are float32, alpha is too.
    double alpha = tolerances().crossEntropy() < 1e-12 ? 0 : 0x1p-24;
    Numbers.assertWithin(
        (1e-12 + alpha) * afterTail.lossSum(),
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

  /** The numbers of a network do not depend on how many images go through it together. */
  @Test
  default void anEvaluationDoesNotDependOnHowItIsSplit() {
    Evaluation whole = Evaluation.run(backend(), Evaluation.IMAGES);
    double bound = tolerances().network() * Numbers.largest(whole.logits());
    for (int batch : new int[] {8, 3, 1}) {
      Evaluation split = Evaluation.run(backend(), batch);
      Numbers.assertWithin(i -> bound, split.logits(), whole.logits(), "logits");
      Numbers.assertWithin(
          Evaluation.IMAGES * bound,
          split.progress().crossEntropySum(),
          whole.progress().crossEntropySum(),
          "CE");
      assertThat(split.progress().correct()).isEqualTo(whole.progress().correct());
      assertThat(split.progress().labelledRows()).isEqualTo(Evaluation.IMAGES);
      assertThat(split.progress().cursor()).isEqualTo(Evaluation.IMAGES);
    }
  }

  /**
   * What an evaluation of a small network leaves behind.
   *
   * @param logits by image id, row-major
   * @param progress the state at its end
   */
  record Evaluation(double[] logits, StepProgress progress) {
    static final int IMAGES = 24;
    private static final int CLASSES = 4;

    /** Evaluates all images in their order, {@code batch} at a time. */
    static Evaluation run(Backend backend, int batch) {
      LayerSpec first = new ConvolutionSpec("conv", 3, 4, 6, 5);
      LayerSpec last = new LinearSpec("fc", first.outputShape(), CLASSES, false);
      ParameterArena arena = backend.createParameters(List.of(first, last), 8, false);
      for (Tensor tensor : arena.values()) {
        tensor.write(GoldenHash.weights(tensor.shape().rank(), tensor.shape().elements(), 9));
      }
      ResidentDataset data =
          backend.upload(first.inputShape(), images(first), GoldenHash.labels(7, IMAGES, CLASSES));
      StepState state = backend.createState();
      LogitsTable table = backend.createLogitsTable(IMAGES, CLASSES);
      StepRecorder recorder = backend.record(batch);
      Batch rows = recorder.gather(data, state, null);
      Tensor features = recorder.forward(first, arena, rows.images(), false).output();
      Tensor logits = recorder.forward(last, arena, features, false).output();
      recorder.loss(LossSpec.CROSS_ENTROPY, logits, null, rows, state);
      recorder.store(logits, rows, table);
      recorder.advance(state);
      StepProgram program = recorder.build();
      state.beginEpoch(IntStream.range(0, IMAGES).toArray());
      program.run(IMAGES / batch);
      float[] read = new float[IMAGES * CLASSES];
      table.read(read);
      return new Evaluation(Numbers.widened(read), state.read());
    }

    private static byte[] images(LayerSpec layer) {
      byte[] bytes = new byte[IMAGES * layer.inputShape().elements()];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) GoldenHash.hash(6, i);
      }
      return bytes;
    }
  }
}
