package io.github.distillcuda.backend.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.github.distillcuda.backend.AdamSpec;
import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.backend.BackendOptions;
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
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the backend holds, and how it answers to wrong use. */
class ReferenceBackendTest {
  private static final LinearSpec LAYER = new LinearSpec("fc", TinyStep.IMAGE, 4, false);

  private final ReferenceBackend backend = new ReferenceBackend(BackendOptions.DEFAULT);
  private final ParameterArena arena = backend.createParameters(List.of(LAYER), 2, true);
  private final ResidentDataset data = TinyStep.data(backend, 7);
  private final StepState state = backend.createState();
  private final LogitsTable table = backend.createLogitsTable(7, 4);

  @AfterEach
  void close() {
    backend.close();
  }

  @Test
  void saysWhatItIs() {
    assertThat(backend.info())
        .isEqualTo(
            new BackendInfo("reference (plain Java, float64)", "java", "fp64", "fused", "java"));
    assertThat(backend.dtype()).isEqualTo(DType.FLOAT64);
  }

  @Test
  void arenaHasNamedViewsInTheOrderOfTheLayers() {
    ParameterArena network = backend.createParameters(TinyStep.layers(3), 2, true);

    assertThat(network.values())
        .extracting(Tensor::name)
        .containsExactly(
            "conv1.weight",
            "conv1.bias",
            "conv2.weight",
            "conv2.bias",
            "fc1.weight",
            "fc1.bias",
            "fc2.weight",
            "fc2.bias");
    assertThat(network.values())
        .extracting(Tensor::shape)
        .startsWith(Shape.of(3, 2, 3, 3), Shape.of(3), Shape.of(4, 3, 3, 3), Shape.of(4));
    for (List<Tensor> list :
        List.of(network.gradients(), network.firstMoments(), network.secondMoments())) {
      assertThat(list).hasSize(8);
      assertThat(TinyStep.flatten(list)).containsOnly(0);
    }
    assertThat(TinyStep.flatten(network.values())).containsOnly(0);
  }

  @Test
  void viewsOfOneArenaDoNotOverlap() {
    ParameterArena network = backend.createParameters(TinyStep.layers(3), 2, true);
    int number = 0;
    for (List<Tensor> list :
        List.of(
            network.values(),
            network.gradients(),
            network.firstMoments(),
            network.secondMoments())) {
      for (Tensor tensor : list) {
        double[] values = new double[tensor.shape().elements()];
        Arrays.fill(values, ++number);
        tensor.write(values);
      }
    }
    number = 0;
    for (List<Tensor> list :
        List.of(
            network.values(),
            network.gradients(),
            network.firstMoments(),
            network.secondMoments())) {
      for (Tensor tensor : list) {
        assertThat(RecordedLayer.values(tensor)).containsOnly(++number);
      }
    }
  }

  @Test
  void aFrozenArenaHasParametersAlone() {
    ParameterArena frozen = backend.createParameters(List.of(LAYER), 2, false);

    assertThat(frozen.values()).hasSize(2);
    assertThat(frozen.gradients()).isEmpty();
    assertThat(frozen.firstMoments()).isEmpty();
    assertThat(frozen.secondMoments()).isEmpty();
    StepRecorder recorder = backend.record(2);
    Tensor images = recorder.gather(data, state, null).images();
    assertRejected(
        () -> recorder.forward(LAYER, frozen, images, true),
        "layer fc cannot train: its arena was created without gradients");
    assertRejected(
        () -> recorder.adam(AdamSpec.withLearningRate(1), frozen, state), "without gradients");
  }

  @Test
  void transfersConvertAndCheckTheLength() {
    Tensor tensor = backend.createTensor("student.fc.bias", Shape.of(2, 2));
    tensor.write(new double[] {0.1, -1e300, Double.NaN, 1.0 / 3});

    float[] floats = new float[4];
    tensor.read(floats);
    assertThat(floats).containsExactly(0.1f, Float.NEGATIVE_INFINITY, Float.NaN, 1 / 3f);
    assertThat(RecordedLayer.values(tensor)).containsExactly(0.1, -1e300, Double.NaN, 1.0 / 3);
    tensor.write(new float[] {0.1f, 2, 3, 4});
    assertThat(RecordedLayer.values(tensor)).containsExactly(0.1f, 2, 3, 4);

    String message = "3 elements for tensor student.fc.bias of shape [2, 2]";
    assertRejected(() -> tensor.read(new float[3]), message);
    assertRejected(() -> tensor.read(new double[3]), message);
    assertRejected(() -> tensor.write(new float[3]), message);
    assertRejected(() -> tensor.write(new double[3]), message);
    assertRejected(() -> table.read(new float[27]), "27 elements for a table of 7 rows");
    assertRejected(() -> table.write(new float[29]), "29 elements for a table of 7 rows");
  }

  @Test
  void uploadsAreCopiedAndChecked() {
    Shape image = Shape.of(1, 1, 2);
    byte[] pixels = {1, 2, 3, 4};
    byte[] labels = {0, 1};
    ResidentDataset copied = backend.upload(image, pixels, labels);
    StepRecorder recorder = backend.record(1);
    Batch batch = recorder.gather(copied, state, null);
    StepProgram program = recorder.build();
    state.beginEpoch(new int[] {0});
    program.run(1);
    double[] before = RecordedLayer.values(batch.images());
    pixels[0] = 99;
    program.run(1);

    assertThat(RecordedLayer.values(batch.images())).isEqualTo(before);
    assertThat(copied.size()).isEqualTo(2);
    assertThat(copied.imageShape()).isEqualTo(image);
    assertRejected(() -> backend.upload(image, new byte[3], labels), "3 bytes and 2 labels");
    assertRejected(() -> backend.upload(image, pixels, new byte[] {0, -1}), "image 1 has label -1");
  }

  @Test
  void wrongShapesAreNamed() {
    StepRecorder recorder = backend.record(2);
    Batch batch = recorder.gather(data, state, null);
    LayerPass pass = recorder.forward(LAYER, arena, batch.images(), true);
    Tensor three = backend.createTensor("three", Shape.of(2, 3));
    LossSpec loss = new LossSpec(5, 0.5);

    assertRejected(
        () -> recorder.forward(LAYER, arena, three, false),
        "tensor three has shape [2, 3] where [2, 2, 8, 8] is needed");
    assertRejected(() -> recorder.backward(pass, three, false), "where [2, 4] is needed");
    assertRejected(
        () -> recorder.loss(loss, pass.output(), three, batch, state), "where [2, 4] is needed");
    assertRejected(() -> recorder.loss(loss, batch.images(), null, batch, state), "is not logits");
    assertRejected(() -> recorder.store(three, batch, table), "where [2, 4] is needed");
    assertRejected(
        () -> recorder.store(three, batch, backend.createLogitsTable(6, 3)),
        "a table of 6 rows for a data set of 7 images");
    assertRejected(
        () -> recorder.gather(data, state, backend.createLogitsTable(8, 4)), "a table of 8 rows");
    assertRejected(
        () -> recorder.loss(LossSpec.CROSS_ENTROPY, three, null, batch, state),
        "label 3 where there are 3 classes");
    LayerSpec wider = new LinearSpec("fc", TinyStep.IMAGE, 5, false);
    assertRejected(
        () -> recorder.forward(wider, arena, batch.images(), false),
        "no parameters were created for");
    assertRejected(() -> backend.record(0), "a batch of 0 rows");
    assertRejected(() -> backend.createParameters(List.of(LAYER), 0, true), "batch of 0 rows");
    assertRejected(
        () -> backend.createParameters(List.of(LAYER, LAYER), 2, true), "two layers are named fc");
    assertRejected(() -> backend.createLogitsTable(0, 4), "0 rows and 4 classes");
  }

  @Test
  void recordingsAreCheckedForOrderAndOrigin() {
    StepRecorder recorder = backend.record(2);
    Batch batch = recorder.gather(data, state, null);
    LayerPass inference = recorder.forward(LAYER, arena, batch.images(), false);
    LayerPass training = recorder.forward(LAYER, arena, batch.images(), true);
    Tensor dy = backend.createTensor("dy", Shape.of(2, 4));

    assertThat(training.layer()).isEqualTo(LAYER);
    assertThat(recorder.backward(training, dy, false)).isNull();
    assertThatIllegalStateException()
        .isThrownBy(batch::teacherLogits)
        .withMessageContaining("without a teacher cache");
    assertRejected(
        () -> recorder.backward(inference, dy, false), "layer fc was not recorded for training");
    assertRejected(
        () -> recorder.loss(new LossSpec(5, 1), dy, null, batch, state), "a tensor (null)");
    StepRecorder other = backend.record(2);
    assertRejected(() -> other.backward(training, dy, false), "recorded in another step");
    assertRejected(() -> other.store(dy, batch, table), "recorded in another step");

    recorder.build();
    assertThatIllegalStateException()
        .isThrownBy(() -> recorder.advance(state))
        .withMessageContaining("is built");
    assertThatIllegalStateException().isThrownBy(recorder::build);
  }

  @Test
  void whatAnotherBackendCreatedIsRejected() {
    try (ReferenceBackend other = new ReferenceBackend(BackendOptions.DEFAULT)) {
      StepRecorder recorder = backend.record(2);
      Batch batch = recorder.gather(data, state, null);
      Tensor foreign = other.createTensor("foreign", batch.images().shape());

      assertRejected(
          () -> recorder.forward(LAYER, arena, foreign, false),
          "tensor foreign was not created by this reference backend");
      assertRejected(() -> recorder.advance(other.createState()), "the state was not created");
      assertRejected(() -> recorder.gather(TinyStep.data(other, 7), state, null), "the data set");
      assertRejected(
          () -> recorder.gather(data, state, other.createLogitsTable(7, 4)), "the logits table");
      ParameterArena foreignArena = other.createParameters(List.of(LAYER), 2, true);
      assertRejected(
          () -> recorder.forward(LAYER, foreignArena, batch.images(), false), "the arena");
    }
  }

  @Test
  void nothingWorksAfterCloseOrOnAnotherThread() throws InterruptedException {
    StepRecorder recorder = backend.record(2);
    Batch batch = recorder.gather(data, state, null);
    Tensor tensor = backend.createTensor("t", Shape.of(2, 4));
    StepProgram program = backend.record(2).build();
    Map<String, ThrowingCallable> calls =
        Map.ofEntries(
            Map.entry("createParameters", () -> backend.createParameters(List.of(LAYER), 2, true)),
            Map.entry("createTensor", () -> backend.createTensor("t", Shape.of(1))),
            Map.entry("upload", () -> TinyStep.data(backend, 3)),
            Map.entry("createLogitsTable", () -> backend.createLogitsTable(1, 1)),
            Map.entry("createState", backend::createState),
            Map.entry("record", () -> backend.record(1)),
            Map.entry("read floats", () -> tensor.read(new float[8])),
            Map.entry("read doubles", () -> tensor.read(new double[8])),
            Map.entry("write floats", () -> tensor.write(new float[8])),
            Map.entry("write doubles", () -> tensor.write(new double[8])),
            Map.entry("table read", () -> table.read(new float[28])),
            Map.entry("table write", () -> table.write(new float[28])),
            Map.entry("beginEpoch", () -> state.beginEpoch(new int[0])),
            Map.entry("state read", state::read),
            Map.entry("restore", () -> state.restore(StepProgress.START)),
            Map.entry("gather", () -> recorder.gather(data, state, null)),
            Map.entry("forward", () -> recorder.forward(LAYER, arena, batch.images(), true)),
            Map.entry("store", () -> recorder.store(tensor, batch, table)),
            Map.entry("advance", () -> recorder.advance(state)),
            Map.entry("run", () -> program.run(1)));

    AtomicReference<AssertionError> failure = new AtomicReference<>();
    Thread stranger =
        new Thread(
            () -> {
              try {
                assertAllThrow(calls, "belongs to thread");
                assertThatIllegalStateException().isThrownBy(backend::close);
              } catch (AssertionError e) {
                failure.set(e);
              }
            });
    stranger.start();
    stranger.join();
    assertThat(failure.get()).isNull();

    program.run(1);
    backend.close();
    backend.close();
    assertAllThrow(calls, "the reference backend is closed");
  }

  private static void assertAllThrow(Map<String, ThrowingCallable> calls, String message) {
    calls.forEach(
        (name, call) ->
            assertThat(catchThrowable(call))
                .as(name)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(message));
  }

  private static void assertRejected(ThrowingCallable call, String message) {
    assertThatIllegalArgumentException().isThrownBy(call).withMessageContaining(message);
  }
}
