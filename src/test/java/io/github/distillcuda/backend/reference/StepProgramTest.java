package io.github.distillcuda.backend.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepProgress;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whole steps over the state: order, cursor, tail batches, sums, the cache, and what repeats. */
class StepProgramTest {
  private static final int IMAGES = 22;
  private static final LossSpec LOSS = new LossSpec(5, 0.7);
  private static final int[] IN_ORDER = IntStream.range(0, IMAGES).toArray();
  private static final int[] SHUFFLED =
      IntStream.range(0, IMAGES).map(i -> (i * 9 + 5) % IMAGES).toArray();

  private final ReferenceBackend backend = new ReferenceBackend(BackendOptions.DEFAULT);
  private final ResidentDataset data = TinyStep.data(backend, IMAGES);
  private final StepState state = backend.createState();

  @AfterEach
  void close() {
    backend.close();
  }

  @Test
  void gatherFollowsTheOrderAndTheCursor() {
    byte[] pixels = {0, 1, 127, (byte) 128, (byte) 254, (byte) 255, 10, 20, 30, 40, 50, 60};
    Shape image = Shape.of(1, 1, 2);
    ResidentDataset six = backend.upload(image, pixels, new byte[6]);
    LogitsTable cache = backend.createLogitsTable(6, 2);
    cache.write(new float[] {0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51});
    StepRecorder recorder = backend.record(2);
    Batch batch = recorder.gather(six, state, cache);
    recorder.advance(state);
    StepProgram program = recorder.build();

    state.beginEpoch(new int[] {5, 0, 2, 1, 4, 3});
    program.run(1);
    assertNormalised(batch.images(), 50, 60, 0, 1);
    assertThat(RecordedLayer.values(batch.teacherLogits())).containsExactly(50, 51, 0, 1);
    assertThat(state.read().cursor()).isEqualTo(2);

    program.run(2);
    assertNormalised(batch.images(), 30, 40, 10, 20);
    assertThat(RecordedLayer.values(batch.teacherLogits())).containsExactly(40, 41, 30, 31);
    assertThat(state.read().cursor()).isEqualTo(6);

    int[] order = {1, 2, 0};
    state.beginEpoch(order);
    order[0] = 5; // the state has its own copy
    program.run(1);
    assertNormalised(batch.images(), 127, 128, 254, 255);
  }

  private static void assertNormalised(Tensor images, int... bytes) {
    double[] expected = Arrays.stream(bytes).mapToDouble(b -> (2 * b - 255) / 255.0).toArray();
    // 2*(b/255 - 1/2) rounds b/255 and doubles that error: 2^-53, and half as much again.
    assertThat(RecordedLayer.values(images)).containsExactly(expected, within(2e-16));
  }

  @Test
  void aStepThatFindsTooFewImagesOrAnUnknownOneStops() {
    ParameterArena network = TinyStep.parameters(backend, 2, false, 1);
    LogitsTable table = backend.createLogitsTable(IMAGES, TinyStep.CLASSES);
    StepProgram program = TinyStep.evaluate(backend, 8, data, state, network, table);

    assertThatIllegalStateException()
        .isThrownBy(() -> program.run(1))
        .withMessageContaining("8 rows after 0 of the epoch's 0 images");
    state.beginEpoch(IN_ORDER);
    assertThatIllegalStateException()
        .isThrownBy(() -> program.run(3))
        .withMessageContaining("8 rows after 16 of the epoch's 22 images");
    state.beginEpoch(new int[] {0, 1, 2, 3, 4, 5, 6, IMAGES});
    assertThatIllegalStateException()
        .isThrownBy(() -> program.run(1))
        .withMessageContaining("image 22 of a data set of 22");
    assertThatIllegalArgumentException().isThrownBy(() -> program.run(-1));
  }

  @Test
  void batchesOfAnySizeGiveTheSameEvaluation() {
    ParameterArena network = TinyStep.parameters(backend, 3, false, 1);
    float[] whole = evaluate(network, IN_ORDER, IMAGES);
    StepProgress expected = state.read();
    float[] parts = evaluate(network, SHUFFLED, 8); // 8, 8 and a tail of 6

    assertThat(parts).isEqualTo(whole);
    StepProgress actual = state.read();
    assertThat(actual.cursor()).isEqualTo(IMAGES);
    assertThat(actual.labelledRows()).isEqualTo(IMAGES - 3).isEqualTo(expected.labelledRows());
    assertThat(actual.correct()).isEqualTo(expected.correct());
    // The same 19 terms near 1.4 in another order.
    assertThat(actual.crossEntropySum())
        .isCloseTo(expected.crossEntropySum(), within(1e-13))
        .isGreaterThan(1);
    assertThat(actual.optimizerStep()).isZero();
  }

  /** Evaluates in full batches and a tail; returns the table of logits. */
  private float[] evaluate(ParameterArena network, int[] order, int batch) {
    LogitsTable table = backend.createLogitsTable(IMAGES, TinyStep.CLASSES);
    state.beginEpoch(order);
    TinyStep.evaluate(backend, batch, data, state, network, table).run(order.length / batch);
    int tail = order.length % batch;
    if (tail > 0) {
      TinyStep.evaluate(backend, tail, data, state, network, table).run(1);
    }
    float[] logits = new float[IMAGES * TinyStep.CLASSES];
    table.read(logits);
    return logits;
  }

  @Test
  void storeWritesTheRowsOfTheImagesAlone() {
    ParameterArena network = TinyStep.parameters(backend, 3, false, 1);
    float[] whole = evaluate(network, IN_ORDER, IMAGES);
    float[] some = evaluate(network, new int[] {20, 3}, 2);

    for (int image = 0; image < IMAGES; image++) {
      for (int c = 0; c < TinyStep.CLASSES; c++) {
        int at = image * TinyStep.CLASSES + c;
        assertThat(some[at]).isEqualTo(image == 20 || image == 3 ? whole[at] : 0);
      }
    }
  }

  @Test
  void theSumsOfAnEpochAreThoseOfItsSteps() {
    ParameterArena student = TinyStep.parameters(backend, 3, true, 1);
    ParameterArena teacher = TinyStep.parameters(backend, 4, false, 2);
    StepProgram full = TinyStep.train(backend, 8, data, state, student, LOSS, null, teacher);
    StepProgram tail = TinyStep.train(backend, 6, data, state, student, LOSS, null, teacher);

    state.beginEpoch(SHUFFLED);
    double lossSum = 0;
    StepProgress before = state.read();
    for (StepProgram program : new StepProgram[] {full, full, tail}) {
      program.run(1);
      StepProgress after = state.read();
      double distillation = after.distillationSum() - before.distillationSum();
      double crossEntropy = after.crossEntropySum() - before.crossEntropySum();
      long labelled = after.labelledRows() - before.labelledRows();
      long rows = after.cursor() - before.cursor();
      assertThat(labelled).isLessThan(rows); // so that the two means differ
      double step =
          LOSS.alpha() * distillation / rows + (1 - LOSS.alpha()) * crossEntropy / labelled;
      lossSum += step * rows;
      before = after;
    }
    assertThat(before.lossSum()).isCloseTo(lossSum, within(1e-12)); // sums near 30, rounded
    assertThat(before.cursor()).isEqualTo(IMAGES);
    assertThat(before.optimizerStep()).isEqualTo(3);

    state.beginEpoch(SHUFFLED);
    assertThat(state.read()).isEqualTo(new StepProgress(0, 3, 0, 0, 0, 0, 0, 0));
  }

  @Test
  void stepsAtOnceAreStepsOneByOneToTheBit() {
    ParameterArena one = train(2, 1, LOSS);
    ParameterArena other = train(1, 2, LOSS);
    assertSameBits(one, other);
  }

  /** Trains for two epochs of 16 images, with the recomputed teacher. */
  private ParameterArena train(int stepsAtOnce, int calls, LossSpec loss) {
    StepState own = backend.createState();
    ParameterArena student = TinyStep.parameters(backend, 3, true, 1);
    ParameterArena teacher = loss.readsTeacher() ? TinyStep.parameters(backend, 4, false, 2) : null;
    StepProgram program = TinyStep.train(backend, 8, data, own, student, loss, null, teacher);
    for (int epoch = 0; epoch < 2; epoch++) {
      own.beginEpoch(SHUFFLED);
      for (int call = 0; call < calls; call++) {
        program.run(stepsAtOnce);
      }
    }
    return student;
  }

  @Test
  void alphaZeroTrainsTheBaselineToTheBit() {
    assertSameBits(train(2, 1, new LossSpec(5, 0)), train(2, 1, LossSpec.CROSS_ENTROPY));
  }

  @Test
  void theCachedTeacherTrainsTheSameStudentToTheBit() {
    ParameterArena teacher = TinyStep.parameters(backend, 4, false, 2);
    LogitsTable cache = backend.createLogitsTable(IMAGES, TinyStep.CLASSES);
    state.beginEpoch(IN_ORDER);
    TinyStep.evaluate(backend, IMAGES, data, state, teacher, cache).run(1);

    StepState own = backend.createState();
    ParameterArena student = TinyStep.parameters(backend, 3, true, 1);
    StepProgram program = TinyStep.train(backend, 8, data, own, student, LOSS, cache, null);
    for (int epoch = 0; epoch < 2; epoch++) {
      own.beginEpoch(SHUFFLED);
      program.run(2);
    }

    assertSameBits(student, train(2, 1, LOSS));
  }

  @Test
  void aRestoredStateContinuesToTheBit() {
    ParameterArena expected = train(2, 1, LOSS);

    StepState own = backend.createState();
    ParameterArena student = TinyStep.parameters(backend, 3, true, 1);
    ParameterArena teacher = TinyStep.parameters(backend, 4, false, 2);
    StepProgram program = TinyStep.train(backend, 8, data, own, student, LOSS, null, teacher);
    own.beginEpoch(SHUFFLED);
    program.run(2);
    own.beginEpoch(SHUFFLED);
    program.run(1);
    StepProgress middle = own.read();

    StepState resumed = backend.createState();
    resumed.beginEpoch(SHUFFLED);
    resumed.restore(middle);
    assertThat(resumed.read()).isEqualTo(middle);
    TinyStep.train(backend, 8, data, resumed, student, LOSS, null, teacher).run(1);

    assertSameBits(student, expected);
    assertThat(resumed.read().cursor()).isEqualTo(16);
    assertThat(resumed.read().optimizerStep()).isEqualTo(4);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> resumed.restore(new StepProgress(23, 0, 0, 0, 0, 0, 0, 0)));
  }

  private static void assertSameBits(ParameterArena actual, ParameterArena expected) {
    assertThat(TinyStep.flatten(actual.values())).isEqualTo(TinyStep.flatten(expected.values()));
    assertThat(TinyStep.flatten(actual.firstMoments()))
        .isEqualTo(TinyStep.flatten(expected.firstMoments()));
    assertThat(TinyStep.flatten(actual.secondMoments()))
        .isEqualTo(TinyStep.flatten(expected.secondMoments()));
    assertThat(Arrays.stream(TinyStep.flatten(actual.secondMoments())).max().orElseThrow())
        .as("trained at all")
        .isPositive();
  }

  @Test
  void trainingLearnsItsImagesByHeart() {
    ParameterArena student = TinyStep.parameters(backend, 6, true, 1);
    StepProgram program =
        TinyStep.train(backend, IMAGES, data, state, student, LossSpec.CROSS_ENTROPY, null, null);
    for (int epoch = 0; epoch < 100; epoch++) {
      state.beginEpoch(SHUFFLED);
      program.run(1);
    }

    assertThat(state.read().correct()).isEqualTo(IMAGES - 3);
    assertThat(state.read().firstNonFiniteStep()).isZero();
  }

  @Test
  void aNaNInAnyWeightStopsTheRunAndNamesTheStep() {
    for (int layer = 0; layer < 8; layer++) {
      StepState own = backend.createState();
      ParameterArena student = TinyStep.parameters(backend, 3, true, 1);
      StepProgram program =
          TinyStep.train(backend, 8, data, own, student, LossSpec.CROSS_ENTROPY, null, null);
      own.beginEpoch(SHUFFLED);
      program.run(1);
      Tensor poisoned = student.values().get(layer);
      double[] values = RecordedLayer.values(poisoned);
      values[0] = Double.NaN;
      poisoned.write(values);
      double[] before = TinyStep.flatten(student.values());
      program.run(1);

      assertThat(own.read().firstNonFiniteStep()).as(poisoned.name()).isEqualTo(2);
      assertThat(own.read().lossSum()).as(poisoned.name()).isNaN();
      assertThat(TinyStep.flatten(student.values())).isEqualTo(before);
    }
  }

  @Test
  void aNaNOfTheTeacherStopsTheRun() {
    ParameterArena student = TinyStep.parameters(backend, 3, true, 1);
    LogitsTable cache = backend.createLogitsTable(IMAGES, TinyStep.CLASSES);
    float[] logits = new float[IMAGES * TinyStep.CLASSES];
    logits[SHUFFLED[9] * TinyStep.CLASSES + 2] = Float.NaN; // met by the second step
    cache.write(logits);
    StepProgram program = TinyStep.train(backend, 8, data, state, student, LOSS, cache, null);
    state.beginEpoch(SHUFFLED);
    program.run(2);

    assertThat(state.read().firstNonFiniteStep()).isEqualTo(2);
    assertThat(state.read().optimizerStep()).isEqualTo(1);
  }
}
