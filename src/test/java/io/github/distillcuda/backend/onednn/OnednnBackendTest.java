package io.github.distillcuda.backend.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.distillcuda.backend.AdamSpec;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepProgress;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OnednnBackendTest {
  private static final Shape IMAGE = Shape.of(1, 2, 2);
  private static final List<LayerSpec> LAYERS = List.of(new LinearSpec("fc", IMAGE, 3, false));

  private final OnednnBackend backend = new OnednnBackend(new BackendOptions(2, true));

  @AfterEach
  void close() {
    backend.close();
  }

  /** Five images of four pixels; pixel j of image i is 10*i+j; the third has no label. */
  private ResidentDataset data() {
    byte[] pixels = new byte[20];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (200 + i / 4 * 10 + i % 4);
    }
    return backend.upload(IMAGE, pixels, new byte[] {0, 1, -100, 2, 0});
  }

  private static float[] read(Tensor tensor) {
    float[] values = new float[tensor.shape().elements()];
    tensor.read(values);
    return values;
  }

  @Test
  void saysWhatItIs() {
    assertThat(backend.info().device())
        .matches("cpu \\(oneDNN 3\\.13\\.0, [a-z0-9_]+, 2 threads\\)");
    assertThat(backend.info().engine()).isEqualTo("panama");
    assertThat(backend.info().precision()).isEqualTo("fp32");
  }

  /** AVX-512 with bfloat16, AVX10.1, AMX, and AVX10.2 with AMX. */
  @ParameterizedTest
  @ValueSource(ints = {0xe7, 0x1ef, 0xfef, 0x22fff})
  void bfloat16IsForProcessorsThatMultiplyIt(int isa) {
    assertThat(OnednnBackend.operandType(Precision.BF16, isa)).isEqualTo(DType.BFLOAT16);
    assertThat(OnednnBackend.operandType(Precision.AUTO, isa)).isEqualTo(DType.FLOAT32);
  }

  /** AVX2, AVX2 that converts bfloat16 alone, AVX-512 without it. */
  @ParameterizedTest
  @ValueSource(ints = {0x7, 0x1f, 0x27, 0x67})
  void elsewhereItIsRefusedInOneLine(int isa) {
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(() -> OnednnBackend.operandType(Precision.BF16, isa))
        .withMessageMatching(
            "--device cpu --precision bf16: it needs avx512_core_bf16, this processor has"
                + " avx[0-9a-z_]+; use --precision fp32")
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.USAGE));
    assertThat(OnednnBackend.operandType(Precision.FP32, isa)).isEqualTo(DType.FLOAT32);
  }

  @Test
  void gathersTheRowsOfTheOrderFromTheCursor() {
    LogitsTable table = backend.createLogitsTable(5, 2);
    table.write(new float[] {0, 1, 10, 11, 20, 21, 30, 31, 40, 41});
    LogitsTable stored = backend.createLogitsTable(5, 2);
    StepState state = backend.createState();
    StepRecorder recorder = backend.record(2);
    Batch batch = recorder.gather(data(), state, table);
    recorder.store(batch.teacherLogits(), batch, stored);
    recorder.advance(state);
    StepProgram program = recorder.build();
    state.beginEpoch(new int[] {4, 2, 0, 3, 1});
    program.run(2);
    assertThat(read(batch.teacherLogits())).containsExactly(0, 1, 30, 31);
    float[] images = read(batch.images());
    for (int i = 0; i < 8; i++) {
      int pixel = 200 + (i < 4 ? 0 : 30) + i % 4;
      assertThat(images[i]).isEqualTo((pixel / 255f - 0.5f) / 0.5f);
    }
    float[] rows = new float[10];
    stored.read(rows);
    assertThat(rows).containsExactly(0, 1, 0, 0, 20, 21, 30, 31, 40, 41);
    assertThat(state.read().cursor()).isEqualTo(4);
    assertThatIllegalStateException()
        .isThrownBy(() -> program.run(1))
        .withMessageContaining("1 are left");
    assertThat(state.read().cursor()).isEqualTo(4);
  }

  @Test
  void countsLabelsAndSumsOfAnEpochOverStepsAndTail() {
    ResidentDataset data = data();
    StepState state = backend.createState();
    LogitsTable logits = backend.createLogitsTable(5, 3);
    logits.write(new float[] {9, 0, 0, 0, 9, 0, 0, 0, 9, 0, 9, 0, 0, 0, 9});
    StepProgram step = lossStep(2, data, state, logits);
    StepProgram tail = lossStep(1, data, state, logits);
    state.beginEpoch(new int[] {0, 1, 2, 3, 4});
    step.run(2);
    tail.run(1);
    StepProgress progress = state.read();
    double right = Math.log1p(2 * Math.exp(-9));
    double wrong = right + 9;
    assertThat(progress.labelledRows()).isEqualTo(4);
    assertThat(progress.correct()).isEqualTo(2);
    assertThat(progress.crossEntropySum()).isEqualTo(2 * right + 2 * wrong, offset());
    // The second batch has one labelled row; its mean counts for both of its rows.
    assertThat(progress.lossSum()).isEqualTo(2 * right + 2 * wrong + wrong, offset());
    assertThat(progress.cursor()).isEqualTo(5);
    state.beginEpoch(new int[] {0, 1, 2, 3, 4});
    assertThat(state.read()).isEqualTo(StepProgress.START);
  }

  private static Offset<Double> offset() {
    return Offset.offset(1e-12);
  }

  private StepProgram lossStep(
      int rows, ResidentDataset data, StepState state, LogitsTable logits) {
    StepRecorder recorder = backend.record(rows);
    Batch batch = recorder.gather(data, state, logits);
    recorder.loss(LossSpec.CROSS_ENTROPY, batch.teacherLogits(), null, batch, state);
    recorder.advance(state);
    return recorder.build();
  }

  @Test
  void oneBadNumberStopsTheOptimizerForGood() {
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      for (int where = 0; where < 2; where++) {
        ParameterArena parameters = backend.createParameters(LAYERS, 2, true);
        StepState state = backend.createState();
        StepRecorder recorder = backend.record(2);
        recorder.adam(AdamSpec.withLearningRate(0.1), parameters, state);
        StepProgram program = recorder.build();
        Tensor gradient = parameters.gradients().getFirst();
        float[] values = new float[12];
        Arrays.fill(values, 1);
        gradient.write(values);
        program.run(3);
        Tensor poisoned = where == 0 ? gradient : parameters.values().getFirst();
        float[] before = read(poisoned);
        float[] changed = before.clone();
        changed[11] = bad;
        poisoned.write(changed);
        float[] parametersBefore = read(parameters.values().getFirst());
        float[] momentsBefore = read(parameters.secondMoments().getFirst());
        program.run(1);
        poisoned.write(before);
        program.run(1);
        assertThat(state.read().firstNonFiniteStep()).isEqualTo(4);
        assertThat(state.read().optimizerStep()).isEqualTo(3);
        parametersBefore[11] = where == 0 ? parametersBefore[11] : before[11];
        assertThat(read(parameters.values().getFirst())).containsExactly(parametersBefore);
        assertThat(read(parameters.secondMoments().getFirst())).containsExactly(momentsBefore);
      }
    }
  }

  @Test
  void aLogitThatIsNotFiniteIsNoticedInTheStepThatMeetsIt() {
    StepState state = backend.createState();
    LogitsTable logits = backend.createLogitsTable(5, 3);
    float[] values = new float[15];
    values[4] = Float.NEGATIVE_INFINITY; // image 1
    logits.write(values);
    StepProgram step = lossStep(1, data(), state, logits);
    state.beginEpoch(new int[] {0, 1});
    step.run(1);
    assertThat(state.read().firstNonFiniteStep()).isZero();
    step.run(1);
    assertThat(state.read().firstNonFiniteStep()).isEqualTo(1);
  }

  @Test
  void adamMovesEveryParameterAndNoPadding() {
    ParameterArena parameters =
        backend.createParameters(OnednnNetworks.network(8, 5, 7, 11), 4, true);
    for (Tensor gradient : parameters.gradients()) {
      float[] ones = new float[gradient.shape().elements()];
      Arrays.fill(ones, 1);
      gradient.write(ones);
    }
    StepState state = backend.createState();
    StepRecorder recorder = backend.record(4);
    recorder.adam(AdamSpec.withLearningRate(0.5), parameters, state);
    recorder.build().run(1);
    // The first step of Adam is one learning rate against the sign of the gradient, up to rounding.
    float moved = read(parameters.values().getFirst())[0];
    assertThat(moved).isCloseTo(-0.5f, Offset.offset(1e-7f));
    for (Tensor value : parameters.values()) {
      assertThat(read(value)).containsOnly(moved);
    }
    double sum = 0;
    for (float element :
        ((OnednnParameterArena) parameters).segments()[0].toArray(ValueLayout.JAVA_FLOAT)) {
      sum += element;
    }
    int count = parameters.values().stream().mapToInt(value -> value.shape().elements()).sum();
    assertThat(sum).isEqualTo((double) moved * count);
  }

  @Test
  void aTensorKeepsWhatIsWrittenInWhateverOrder() {
    ParameterArena parameters =
        backend.createParameters(OnednnNetworks.network(8, 5, 7, 11), 4, true);
    int next = 1;
    for (Tensor tensor : parameters.values()) {
      float[] values = new float[tensor.shape().elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = next++;
      }
      tensor.write(values);
    }
    next = 1;
    for (Tensor tensor : parameters.values()) {
      for (float value : read(tensor)) {
        assertThat(value).isEqualTo(next++);
      }
      double[] wide = new double[tensor.shape().elements()];
      tensor.read(wide);
      assertThat(wide[0]).isEqualTo(read(tensor)[0]);
    }
    Tensor first = parameters.values().getFirst();
    assertThatIllegalArgumentException().isThrownBy(() -> first.read(new float[1]));
    assertThatIllegalArgumentException().isThrownBy(() -> first.write(new double[1]));
  }

  @Test
  void closesOnceAndRefusesEverythingAfterwards() {
    Tensor tensor = backend.createTensor("t", Shape.of(3));
    LogitsTable table = backend.createLogitsTable(1, 1);
    StepState state = backend.createState();
    StepRecorder open = backend.record(1);
    StepProgram program = backend.record(1).build();
    backend.close();
    backend.close();
    List<ThrowingCallable> uses =
        List.of(
            () -> tensor.read(new float[3]),
            () -> tensor.write(new float[3]),
            () -> table.read(new float[1]),
            () -> table.write(new float[1]),
            () -> state.beginEpoch(new int[1]),
            state::read,
            open::build,
            () -> program.run(1),
            () -> backend.record(1),
            () -> backend.createTensor("t", Shape.of(1)),
            () -> backend.createParameters(LAYERS, 1, true),
            () -> backend.createLogitsTable(1, 1),
            backend::createState,
            this::data);
    for (ThrowingCallable use : uses) {
      assertThatIllegalStateException().isThrownBy(use).withMessageContaining("closed");
    }
  }

  @Test
  void refusesAnotherThread() throws InterruptedException {
    Tensor tensor = backend.createTensor("t", Shape.of(3));
    StepProgram program = backend.record(1).build();
    for (Runnable use :
        List.<Runnable>of(() -> tensor.read(new float[3]), () -> program.run(1), backend::close)) {
      AtomicReference<Throwable> thrown = new AtomicReference<>();
      Thread other = new Thread(use);
      other.setUncaughtExceptionHandler((thread, e) -> thrown.set(e));
      other.start();
      other.join();
      assertThat(thrown.get())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("belongs to thread");
    }
    assertThat(read(tensor)).containsOnly(0);
  }

  @Test
  void refusesWhatWasNotPlanned() {
    ParameterArena frozen = backend.createParameters(LAYERS, 2, false);
    StepState state = backend.createState();
    StepRecorder recorder = backend.record(2);
    Batch batch = recorder.gather(data(), state, null);
    assertThatIllegalStateException().isThrownBy(batch::teacherLogits);
    LayerPass pass = recorder.forward(LAYERS.getFirst(), frozen, batch.images(), false);
    Tensor logits = pass.output();
    assertThatIllegalArgumentException().isThrownBy(() -> recorder.backward(pass, logits, false));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> recorder.adam(AdamSpec.withLearningRate(1), frozen, state));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                recorder.forward(
                    new LinearSpec("other", IMAGE, 3, false), frozen, batch.images(), false));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> recorder.forward(LAYERS.getFirst(), frozen, logits, false));
    Tensor twoClasses = backend.createTensor("z", Shape.of(2, 2));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> recorder.loss(LossSpec.CROSS_ENTROPY, twoClasses, null, batch, state))
        .withMessageContaining("label 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> backend.upload(IMAGE, new byte[7], new byte[2]));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> backend.upload(IMAGE, new byte[4], new byte[] {-1}));
    recorder.build();
    assertThatIllegalStateException().isThrownBy(() -> recorder.advance(state));
  }
}
