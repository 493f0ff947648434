package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendInfo;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.Golden;
import io.github.distillcuda.backend.GoldenHash;
import io.github.distillcuda.backend.reference.ReferenceBackend;
import io.github.distillcuda.checkpoint.ModelFiles;
import io.github.distillcuda.data.ArrayDataset;
import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.tensor.NamedArray;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A whole run in float64, and every number that it leaves in its folder, against the run that
 * {@code golden_run.py} does in PyTorch.
 */
class GoldenRunTest {
  private static final JsonObject SPEC = Golden.section("run");
  private static final List<String> ROLES = List.of("teacher", "baseline", "student");

  /**
   * Both sides compute in float64 and differ in the order of their sums, by some 1e-16 a sum; Adam
   * and at most 20 steps leave that below 1e-11, as the golden training does.
   */
  private static final double FLOAT64 = 1e-11;

  /** {@code history.csv} has eight digits of a loss: half a unit of the last is 5e-8 at most. */
  private static final double EIGHT_DIGITS = 5e-8 + FLOAT64;

  /** It has six places of an accuracy, three of seconds and one of images a second. */
  private static final Offset<Double> SIX_PLACES = within(0.51e-6);

  private static final Offset<Double> THREE_PLACES = within(0.51e-3);
  private static final Offset<Double> ONE_PLACE = within(0.051);

  @TempDir private static Path folder;

  private static final List<EpochRecord> EPOCHS = new ArrayList<>();
  private static ImageDataset data;
  private static BackendInfo device;
  private static JsonObject metrics;
  private static List<Map<String, String>> history;
  private static double wallSeconds;

  @BeforeAll
  static void run() throws IOException {
    data = data();
    RunConfig config =
        new TinyRun()
            .networks(architecture("teacher"), architecture("student"))
            .temperature(number("temperature"))
            .alpha(number("alpha"))
            .epochs(integer("teacherEpochs"), integer("epochs"))
            .batchSize(integer("batch"))
            .learningRate(number("learningRate"))
            .seed(integer("seed"))
            .config();
    TrainingListener keeping =
        new TrainingListener() {
          @Override
          public void epochDone(EpochRecord epoch) {
            EPOCHS.add(epoch);
          }
        };
    Path root = folder.resolve("run");
    long begin = System.nanoTime();
    try (Backend backend = new ReferenceBackend(BackendOptions.DEFAULT);
        RunFolder run = RunFolder.create(root)) {
      device = backend.info();
      new DistillationRun(backend, config, data, run, keeping, new StopSignal(), 1).execute(null);
    }
    wallSeconds = (System.nanoTime() - begin) / 1e9;
    metrics =
        JsonParser.parseString(Files.readString(root.resolve("metrics.json"))).getAsJsonObject();
    history = table(Files.readAllLines(root.resolve("history.csv")));
  }

  private static List<Map<String, String>> table(List<String> lines) {
    List<String> names = List.of(lines.getFirst().split(","));
    List<Map<String, String>> rows = new ArrayList<>();
    for (String line : lines.subList(1, lines.size())) {
      List<String> values = List.of(line.split(","));
      assertThat(values).as(line).hasSameSizeAs(names);
      Map<String, String> row = new TreeMap<>();
      IntStream.range(0, names.size()).forEach(i -> row.put(names.get(i), values.get(i)));
      rows.add(row);
    }
    return rows;
  }

  private static ImageDataset data() {
    byte[] trainLabels = labels("train");
    byte[] testLabels = labels("test");
    List<String> names =
        IntStream.range(0, integer("classes")).mapToObj(Integer::toString).toList();
    return ArrayDataset.of(
        "golden",
        names,
        images("train", trainLabels),
        trainLabels,
        images("test", testLabels),
        testLabels);
  }

  private static byte[] labels(String part) {
    return GoldenHash.labels(seed(part + "Labels"), integer(part), integer("classes"));
  }

  /** The class shows in rows that are bright in every channel. */
  private static byte[] images(String part, byte[] labels) {
    byte[] images = GoldenHash.images(seed(part + "Images"), labels.length);
    int rows = integer("brightRows");
    for (int pixel = 0; pixel < images.length; pixel++) {
      int row = pixel % 1024 / 32;
      if (row / rows == labels[pixel / 3072]) {
        images[pixel] |= (byte) integer("bright");
      }
    }
    return images;
  }

  private static Architecture architecture(String model) {
    int[] widths = Golden.integers(SPEC.get(model));
    return new Architecture(widths[0], widths[1], widths[2], integer("classes"));
  }

  private static int integer(String name) {
    return SPEC.get(name).getAsInt();
  }

  private static double number(String name) {
    return SPEC.get(name).getAsDouble();
  }

  private static long seed(String name) {
    return SPEC.getAsJsonObject("seeds").get(name).getAsLong();
  }

  @Test
  void theHistoryHasTheLossesAndAccuraciesOfEveryEpoch() {
    List<JsonElement> golden = Golden.list("runHistory").asList();
    assertThat(history).hasSameSizeAs(golden);
    for (int i = 0; i < golden.size(); i++) {
      JsonObject expected = golden.get(i).getAsJsonObject();
      Map<String, String> row = history.get(i);
      for (String name : List.of("model", "epoch", "step")) {
        assertThat(row.get(name)).as(name + " of %s", row).isEqualTo(text(expected, name));
      }
      for (String name : List.of("loss", "kd", "ce")) {
        double value = expected.get(name).getAsDouble();
        assertThat(Double.parseDouble(row.get(name)))
            .as(name + " of %s", row)
            .isCloseTo(value, within(EIGHT_DIGITS * value));
      }
      for (String name : List.of("trainAccuracy", "testAccuracy")) {
        assertThat(Double.parseDouble(row.get(name)))
            .as(name + " of %s", row)
            .isCloseTo(expected.get(name).getAsDouble(), SIX_PLACES);
      }
    }
  }

  private static String text(JsonObject object, String name) {
    return object.get(name).getAsString();
  }

  @Test
  void theMetricsSayWhatWasAskedFor() {
    assertThat(metrics.get("schema").getAsInt()).isEqualTo(1);
    assertThat(metrics.get("temperature").getAsDouble()).isEqualTo(number("temperature"));
    assertThat(metrics.get("alpha").getAsDouble()).isEqualTo(number("alpha"));
    assertThat(metrics.get("seed").getAsInt()).isEqualTo(integer("seed"));
    assertThat(metrics.get("epochs").getAsInt()).isEqualTo(integer("epochs"));
    assertThat(metrics.get("batchSize").getAsInt()).isEqualTo(integer("batch"));
    assertThat(metrics.get("deterministic").getAsBoolean()).isTrue();
    assertThat(text(metrics, "device")).isEqualTo(device.device());
    assertThat(text(metrics, "engine")).isEqualTo(device.engine());
    assertThat(text(metrics, "precision")).isEqualTo(device.precision()).isEqualTo("fp64");
    assertThat(text(metrics, "kernels")).isEqualTo(device.kernels());
    assertThat(text(metrics, "layers")).isEqualTo(device.layers());
  }

  @Test
  void theMetricsSayWhatWasTrainedOn() {
    JsonObject dataset = metrics.getAsJsonObject("dataset");
    assertThat(text(dataset, "name")).isEqualTo("golden");
    assertThat(dataset.get("train").getAsInt()).isEqualTo(integer("train"));
    assertThat(dataset.get("test").getAsInt()).isEqualTo(integer("test"));
    assertThat(text(dataset, "sha256")).isEqualTo(text(SPEC, "sha256"));
  }

  /** Accuracies are whole images over the same number: the nearest doubles are equal. */
  @Test
  void theMetricsHaveTheResultsOfEveryModel() {
    JsonObject models = metrics.getAsJsonObject("models");
    assertThat(List.copyOf(models.keySet())).isEqualTo(ROLES);
    for (String role : ROLES) {
      JsonObject model = models.getAsJsonObject(role);
      JsonObject expected = Golden.section("runResults").getAsJsonObject(role);
      for (String name : expected.keySet()) {
        double value = expected.get(name).getAsDouble();
        double error = name.equals("finalLoss") ? FLOAT64 * value : 1e-15;
        assertThat(model.get(name).getAsDouble())
            .as("%s of the %s", name, role)
            .isCloseTo(value, within(error));
      }
      // And one thing that PyTorch cannot know.
      assertThat(model.keySet()).hasSize(expected.size() + 1).contains("trainSeconds");
    }
  }

  /** A number that lies between two float32 may become either: one unit in the last place. */
  @Test
  void theStudentHasTheWeightsOfPyTorch() {
    float[] golden = Golden.floats("run.student.parameters");
    for (String ending : List.of(".safetensors", ".pth")) {
      int next = 0;
      for (NamedArray array : ModelFiles.read(folder.resolve("run/student" + ending))) {
        for (float value : array.values()) {
          float expected = golden[next++];
          assertThat(value)
              .as(array.name() + " of student" + ending)
              .isCloseTo(expected, within(Math.ulp(expected)));
        }
      }
      assertThat(next).isEqualTo(golden.length);
    }
  }

  @Test
  void timesAreThoseOfTheEpochs() {
    assertThat(EPOCHS).hasSameSizeAs(history);
    for (int i = 0; i < EPOCHS.size(); i++) {
      EpochRecord epoch = EPOCHS.get(i);
      Map<String, String> row = history.get(i);
      assertThat(epoch.seconds()).isPositive();
      assertThat(epoch.imagesPerSecond()).isEqualTo(data.trainCount() / epoch.seconds());
      assertThat(Double.parseDouble(row.get("seconds"))).isCloseTo(epoch.seconds(), THREE_PLACES);
      assertThat(Double.parseDouble(row.get("imagesPerSecond")))
          .isCloseTo(epoch.imagesPerSecond(), ONE_PLACE);
    }
    double sum = 0;
    for (String role : ROLES) {
      double expected =
          EPOCHS.stream()
              .filter(epoch -> epoch.role().toString().equals(role))
              .mapToDouble(EpochRecord::seconds)
              .sum();
      JsonObject model = metrics.getAsJsonObject("models").getAsJsonObject(role);
      assertThat(model.get("trainSeconds").getAsDouble()).as(role).isEqualTo(expected);
      sum += expected;
    }
    assertThat(metrics.get("totalSeconds").getAsDouble()).isBetween(sum, wallSeconds);
  }
}
