package io.github.distillcuda.backend.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.AdamSpec;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A whole training of a small student, recorded once and replayed. */
class OnednnTrainingTest {
  private static final int IMAGES = 72;
  private static final int BATCH = 16;

  /** Of four steps of 16 images and one of 8. */
  private static final int EPOCHS = 4;

  /** What a training leaves. */
  private record Result(List<Double> losses, List<float[]> parameters) {}

  @Test
  void theLossFallsAndTwoRunsGiveTheSameBits() {
    Result first = train(new LossSpec(5, 0.7f), true);
    Result second = train(new LossSpec(5, 0.7f), true);
    assertThat(first.losses()).hasSize(EPOCHS).isSortedAccordingTo(Comparator.reverseOrder());
    assertThat(first.losses().getFirst() - first.losses().getLast()).isGreaterThan(0.05);
    assertThat(second.losses()).isEqualTo(first.losses());
    assertSame(first, second);
  }

  @Test
  void alphaZeroGivesTheBitsOfATrainingWithoutTeacher() {
    assertSame(train(new LossSpec(5, 0), true), train(LossSpec.CROSS_ENTROPY, false));
  }

  private static void assertSame(Result one, Result other) {
    for (int i = 0; i < one.parameters().size(); i++) {
      assertThat(other.parameters().get(i)).containsExactly(one.parameters().get(i));
    }
  }

  private static Result train(LossSpec loss, boolean withTeacher) {
    try (OnednnBackend backend = new OnednnBackend(new BackendOptions(2, true))) {
      List<LayerSpec> layers = OnednnNetworks.network(8, 5, 7, 11);
      ParameterArena student = backend.createParameters(layers, BATCH, true);
      initialise(student, 1);
      ResidentDataset data = data(backend);
      LogitsTable cache = backend.createLogitsTable(IMAGES, 10);
      cacheTeacher(backend, layers, data, cache);
      StepState state = backend.createState();
      LogitsTable teacher = withTeacher ? cache : null;
      StepProgram step = step(backend.record(BATCH), data, teacher, student, loss, state);
      StepProgram tail = step(backend.record(IMAGES % BATCH), data, teacher, student, loss, state);
      List<Double> losses = new ArrayList<>();
      for (int epoch = 0; epoch < EPOCHS; epoch++) {
        state.beginEpoch(order(epoch));
        step.run(IMAGES / BATCH);
        tail.run(1);
        losses.add(state.read().lossSum() / IMAGES);
        assertThat(state.read().firstNonFiniteStep()).isZero();
      }
      List<float[]> parameters = new ArrayList<>();
      for (Tensor value : student.values()) {
        float[] elements = new float[value.shape().elements()];
        value.read(elements);
        parameters.add(elements);
      }
      return new Result(losses, parameters);
    }
  }

  private static StepProgram step(
      StepRecorder recorder,
      ResidentDataset data,
      LogitsTable teacher,
      ParameterArena student,
      LossSpec loss,
      StepState state) {
    Batch batch = recorder.gather(data, state, teacher);
    List<LayerPass> passes = new ArrayList<>();
    Tensor x = batch.images();
    for (LayerSpec layer : student.layers()) {
      passes.add(recorder.forward(layer, student, x, true));
      x = passes.getLast().output();
    }
    Tensor gradient =
        recorder.loss(loss, x, teacher == null ? null : batch.teacherLogits(), batch, state);
    for (LayerPass pass : passes.reversed()) {
      gradient = recorder.backward(pass, gradient, pass != passes.getFirst());
    }
    assertThat(gradient).isNull();
    recorder.adam(AdamSpec.withLearningRate(0.01), student, state);
    recorder.advance(state);
    return recorder.build();
  }

  /** Fills the cache with the logits of a random teacher. */
  private static void cacheTeacher(
      OnednnBackend backend, List<LayerSpec> layers, ResidentDataset data, LogitsTable cache) {
    ParameterArena teacher = backend.createParameters(layers, 12, false);
    initialise(teacher, 2);
    StepState state = backend.createState();
    StepRecorder recorder = backend.record(12);
    Batch batch = recorder.gather(data, state, null);
    Tensor x = batch.images();
    for (LayerSpec layer : layers) {
      x = recorder.forward(layer, teacher, x, false).output();
    }
    recorder.store(x, batch, cache);
    recorder.advance(state);
    state.beginEpoch(order(0));
    recorder.build().run(IMAGES / 12);
  }

  /** Images whose brightness tells their label, so that there is something to learn. */
  private static ResidentDataset data(OnednnBackend backend) {
    Random random = new Random(3);
    byte[] pixels = new byte[IMAGES * 3 * 8 * 8];
    byte[] labels = new byte[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
      labels[i] = (byte) (i % 10);
      for (int k = 0; k < 192; k++) {
        pixels[192 * i + k] = (byte) (labels[i] * 20 + random.nextInt(50));
      }
    }
    return backend.upload(Shape.of(3, 8, 8), pixels, labels);
  }

  private static int[] order(int epoch) {
    int[] order = new int[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
      order[i] = (i * 35 + epoch) % IMAGES; // 35 and 72 have no common divisor
    }
    return order;
  }

  private static void initialise(ParameterArena parameters, long seed) {
    Random random = new Random(seed);
    for (int i = 0; i < parameters.values().size(); i++) {
      float bound = (float) (1 / Math.sqrt(parameters.layers().get(i / 2).fanIn()));
      float[] values = new float[parameters.values().get(i).shape().elements()];
      for (int k = 0; k < values.length; k++) {
        values[k] = (2 * random.nextFloat() - 1) * bound;
      }
      parameters.values().get(i).write(values);
    }
  }
}
