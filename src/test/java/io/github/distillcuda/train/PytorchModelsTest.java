package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonParser;
import io.github.distillcuda.Python;
import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.onednn.OnednnBackend;
import io.github.distillcuda.backend.reference.ReferenceBackend;
import io.github.distillcuda.checkpoint.ModelFiles;
import io.github.distillcuda.checkpoint.StateDict;
import io.github.distillcuda.data.ArrayDataset;
import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.distill.DatasetLogits;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.nn.Network;
import io.github.distillcuda.tensor.NamedArray;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models that {@code src/test/python/pytorch_roundtrip.py} trained answer here as they do in
 * PyTorch, and one trained here answers there as here.
 */
class PytorchModelsTest {
  private static final int TEST = 1000;
  private static final Architecture TEACHER = new Architecture(6, 8, 12, 10);
  private static final Architecture STUDENT = new Architecture(4, 6, 8, 10);

  /** The project's promise; sums of float32 products in another order differ by about 1e-6. */
  private static final double TOLERANCE = 1e-4;

  @TempDir Path temporary;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "teacher-f32",
        "teacher-f16",
        "teacher-bf16",
        "student-f32",
        "student-f16",
        "student-bf16"
      })
  void whatPytorchTrainedAnswersAlike(String model) throws Exception {
    Path folder = Path.of(PytorchModelsTest.class.getResource("/pytorch-models").toURI());
    for (Backend backend :
        List.of(
            new OnednnBackend(BackendOptions.DEFAULT),
            new ReferenceBackend(BackendOptions.DEFAULT))) {
      try (backend) {
        assertAnswersAlike(backend, folder, model);
      }
    }
  }

  /** In both formats: the logits of every image, and how many are right. */
  private static void assertAnswersAlike(Backend backend, Path folder, String model)
      throws IOException {
    float[] expected = floats(folder.resolve(model + ".logits"));
    assertThat(expected).hasSize(10 * TEST);
    int right =
        JsonParser.parseString(Files.readString(folder.resolve("right.json")))
            .getAsJsonObject()
            .getAsJsonObject("right")
            .get(model)
            .getAsInt();
    Architecture architecture = model.startsWith("teacher") ? TEACHER : STUDENT;
    for (String ending : List.of(".pth", ".safetensors")) {
      float[] logits = logits(backend, folder.resolve(model + ending), architecture);
      assertThat(right(logits)).as(model + ending).isEqualTo(right);
      for (int i = 0; i < expected.length; i++) {
        assertThat((double) logits[i]).as(model + ending).isCloseTo(expected[i], within(TOLERANCE));
      }
    }
  }

  private static float[] logits(Backend backend, Path file, Architecture architecture) {
    List<NamedArray> parameters =
        StateDict.match(file, architecture.stateDict(), ModelFiles.read(file), Map.of());
    Network network = Network.frozen(backend, architecture, 64);
    network.load(parameters);
    ResidentDataset images = backend.upload(Architecture.IMAGE, images(0, TEST), labels(0, TEST));
    LogitsTable table = new DatasetLogits(backend, network, images).compute(done -> {});
    float[] logits = new float[10 * TEST];
    table.read(logits);
    return logits;
  }

  private static int right(float[] logits) {
    byte[] labels = labels(0, TEST);
    int right = 0;
    for (int image = 0; image < TEST; image++) {
      int best = 0;
      for (int c = 1; c < 10; c++) {
        best = logits[10 * image + c] > logits[10 * image + best] ? c : best;
      }
      right += best == labels[image] ? 1 : 0;
    }
    return right;
  }

  @Test
  void whatIsTrainedHereAnswersAlikeInPytorchAndComesBack() throws Exception {
    String reason = Python.reasonWithoutTorch();
    assumeTrue(reason.isEmpty(), reason);
    Path run = temporary.resolve("run");
    try (OnednnBackend backend = new OnednnBackend(BackendOptions.DEFAULT);
        RunFolder folder = RunFolder.create(run)) {
      ImageDataset data =
          ArrayDataset.of(
              "hashed",
              Collections.nCopies(10, "rows"),
              images(TEST, 640),
              labels(TEST, 640),
              images(0, TEST),
              labels(0, TEST));
      new DistillationRun(
              backend, config(), data, folder, new TrainingListener() {}, new StopSignal(), 1)
          .execute(null);
      float[] logits = logits(backend, run.resolve("student.safetensors"), STUDENT);
      assertThat(right(logits)).as("it learnt something").isGreaterThan(TEST / 5);
      ByteBuffer bytes =
          ByteBuffer.allocate(Float.BYTES * logits.length).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(logits);
      Files.write(run.resolve("student.logits"), bytes.array());
      Python.Output checked =
          Python.run("src/test/python/pytorch_roundtrip.py", "check", run.toString());
      System.out.print(checked.text());
      assertThat(checked.text()).endsWith("ok\n");
      assertThat(checked.status()).isZero();
      for (String type : List.of("f32", "f16", "bf16")) {
        assertAnswersAlike(backend, run, "back-" + type);
      }
    }
  }

  private static RunConfig config() {
    return new TinyRun()
        .models(EnumSet.of(ModelRole.TEACHER, ModelRole.STUDENT))
        .networks(TEACHER, STUDENT)
        .alpha(0.7f)
        .epochs(3, 4)
        .batchSize(32)
        .learningRate(3e-3)
        .config();
  }

  private static byte[] labels(int first, int count) {
    byte[] labels = new byte[count];
    for (int i = 0; i < count; i++) {
      labels[i] = (byte) ((first + i) % 10);
    }
    return labels;
  }

  /** As {@code images_and_labels} of the script. */
  private static byte[] images(int first, int count) {
    int pixels = Architecture.IMAGE.elements();
    byte[] images = new byte[count * pixels];
    for (int i = 0; i < count; i++) {
      int image = first + i;
      int draw = hash(image, pixels);
      int shown = draw % 4 == 0 ? (draw >>> 8) % 10 : image % 10;
      for (int element = 0; element < pixels; element++) {
        int noise = hash(image, element) & 0xFF;
        boolean bright = element % 1024 / 32 / 3 == shown;
        images[i * pixels + element] = (byte) (bright ? 200 + noise % 56 : noise);
      }
    }
    return images;
  }

  private static int hash(int image, int element) {
    int x = image * 0x9E3779B1 + element * 0x85EBCA6B;
    x ^= x >>> 16;
    x *= 0x45D9F3B;
    return x ^ (x >>> 16);
  }

  private static float[] floats(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[bytes.limit() / Float.BYTES];
    bytes.asFloatBuffer().get(values);
    return values;
  }
}
