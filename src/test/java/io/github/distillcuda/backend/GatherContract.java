package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Gather and store: the images, labels and cached logits of the rows that the order names. */
interface GatherContract extends ContractFixture {
  /** Extents of no power of two, so that nothing is aligned. */
  Shape IMAGE = Shape.of(3, 5, 7);

  int IMAGES = 7;
  int[] ORDER = {4, 0, 6, 1, 5, 3, 2};

  @Test
  default void everyByteBecomesTheNumberThatPyTorchMakesOfIt() {
    byte[] bytes = new byte[256];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) i;
    }
    ResidentDataset data = backend().upload(Shape.of(1, 16, 16), bytes, new byte[1]);
    StepState state = backend().createState();
    StepRecorder recorder = backend().record(1);
    Batch batch = recorder.gather(data, state, null);
    state.beginEpoch(new int[] {0});
    recorder.build().run(1);
    assertThat(batch.images().shape()).isEqualTo(Shape.of(1, 1, 16, 16));
    Numbers.assertSameBits(
        Numbers.of(batch.images()), pixels(batch.images().dtype()), "normalised bytes");
  }

  @Test
  default void rowsFollowTheOrderFromTheCursorOn() {
    byte[] bytes = bytes();
    ResidentDataset data = backend().upload(IMAGE, bytes, new byte[IMAGES]);
    assertThat(data.size()).isEqualTo(IMAGES);
    assertThat(data.imageShape()).isEqualTo(IMAGE);
    StepState state = backend().createState();
    StepRecorder recorder = backend().record(3);
    Batch batch = recorder.gather(data, state, null);
    recorder.advance(state);
    StepProgram program = recorder.build();
    state.beginEpoch(ORDER);
    for (int step = 0; step < 2; step++) {
      program.run(1);
      int[] ids = Arrays.copyOfRange(ORDER, 3 * step, 3 * step + 3);
      assertThat(Numbers.of(batch.images()))
          .containsExactly(normalised(batch.images(), bytes, ids));
      assertThat(state.read().cursor()).isEqualTo(3 * step + 3);
    }
  }

  @Test
  default void theCallersOrderIsCopied() {
    byte[] bytes = bytes();
    ResidentDataset data = backend().upload(IMAGE, bytes, new byte[IMAGES]);
    StepState state = backend().createState();
    StepRecorder recorder = backend().record(IMAGES);
    Batch batch = recorder.gather(data, state, null);
    StepProgram program = recorder.build();
    int[] order = ORDER.clone();
    state.beginEpoch(order);
    double[] expected = normalised(batch.images(), bytes, ORDER);
    Arrays.fill(order, 0);
    program.run(1);
    assertThat(Numbers.of(batch.images())).containsExactly(expected);
  }

  @Test
  default void cachedLogitsComeWithTheirImages() {
    LogitsTable cache = backend().createLogitsTable(IMAGES, 3);
    float[] logits = GoldenHash.symmetric(3, IMAGES * 3, 5);
    cache.write(logits);
    ResidentDataset data = backend().upload(IMAGE, bytes(), new byte[IMAGES]);
    StepState state = backend().createState();
    StepRecorder recorder = backend().record(2);
    Batch batch = recorder.gather(data, state, cache);
    recorder.advance(state);
    StepProgram program = recorder.build();
    state.beginEpoch(ORDER);
    program.run(2);
    assertThat(batch.teacherLogits().shape()).isEqualTo(Shape.of(2, 3));
    assertThat(Numbers.of(batch.teacherLogits()))
        .containsExactly(Numbers.widened(rows(logits, 3, Arrays.copyOfRange(ORDER, 2, 4))));
  }

  @Test
  default void withoutACacheThereAreNoTeacherLogits() {
    ResidentDataset data = backend().upload(IMAGE, bytes(), new byte[IMAGES]);
    Batch batch = backend().record(2).gather(data, backend().createState(), null);
    assertThatIllegalStateException().isThrownBy(batch::teacherLogits);
  }

  @Test
  default void storeWritesTheRowsOfItsImagesAndNoOthers() {
    ResidentDataset data = backend().upload(IMAGE, bytes(), new byte[IMAGES]);
    LogitsTable table = backend().createLogitsTable(IMAGES, 3);
    float[] before = GoldenHash.symmetric(4, IMAGES * 3, 1);
    table.write(before);
    StepState state = backend().createState();
    StepRecorder recorder = backend().record(2);
    Batch batch = recorder.gather(data, state, null);
    var logits = backend().createTensor("logits", Shape.of(2, 3));
    recorder.store(logits, batch, table);
    recorder.advance(state);
    StepProgram program = recorder.build();
    state.beginEpoch(ORDER);
    logits.write(new float[] {1, 2, 3, 4, 5, 6});
    program.run(2);
    float[] expected = before.clone();
    for (int row = 0; row < 4; row++) {
      for (int c = 0; c < 3; c++) {
        expected[3 * ORDER[row] + c] = 3 * (row % 2) + c + 1;
      }
    }
    float[] read = new float[IMAGES * 3];
    table.read(read);
    assertThat(read).containsExactly(expected);
  }

  @Test
  default void aTableWithoutARowForEachImageIsRefused() {
    ResidentDataset data = backend().upload(IMAGE, bytes(), new byte[IMAGES]);
    LogitsTable table = backend().createLogitsTable(IMAGES - 1, 3);
    StepState state = backend().createState();
    StepRecorder recorder = backend().record(2);
    Batch batch = recorder.gather(data, state, null);
    var logits = backend().createTensor("logits", Shape.of(2, 3));
    assertThatIllegalArgumentException().isThrownBy(() -> recorder.store(logits, batch, table));
    assertThatIllegalArgumentException().isThrownBy(() -> recorder.gather(data, state, table));
  }

  @Test
  default void wrongDataAreRefused() {
    byte[] labels = new byte[IMAGES];
    assertThatIllegalArgumentException()
        .isThrownBy(() -> backend().upload(IMAGE, new byte[bytes().length - 1], labels));
    labels[2] = -1;
    assertThatIllegalArgumentException().isThrownBy(() -> backend().upload(IMAGE, bytes(), labels));
    assertThatIllegalArgumentException().isThrownBy(() -> backend().record(0));
  }

  private static byte[] bytes() {
    byte[] bytes = new byte[IMAGES * IMAGE.elements()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) GoldenHash.hash(5, i);
    }
    return bytes;
  }

  private static double[] normalised(Tensor images, byte[] bytes, int[] ids) {
    double[] pixels = pixels(images.dtype());
    int size = IMAGE.elements();
    double[] expected = new double[ids.length * size];
    for (int i = 0; i < expected.length; i++) {
      expected[i] = pixels[Byte.toUnsignedInt(bytes[ids[i / size] * size + i % size])];
    }
    return expected;
  }

  /** What PyTorch makes of each byte, in the type that the images are held in. */
  private static double[] pixels(DType type) {
    double[] pixels = Golden.doubles(type == DType.FLOAT64 ? "pixels.float64" : "pixels.float32");
    return type == DType.BFLOAT16 ? Numbers.toBfloat16(pixels) : pixels;
  }

  private static float[] rows(float[] table, int classes, int[] ids) {
    float[] rows = new float[ids.length * classes];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = table[ids[i / classes] * classes + i % classes];
    }
    return rows;
  }
}
