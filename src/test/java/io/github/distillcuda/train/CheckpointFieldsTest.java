package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.onednn.OnednnBackend;
import io.github.distillcuda.checkpoint.AtomicFile;
import io.github.distillcuda.checkpoint.RunCheckpoint;
import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.tensor.NamedArray;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every field of a checkpoint counts. The tests walk over what a stopped run really saved, so a
 * field that is added later is asked too: without it the checkpoint is refused, and with another
 * value in it the run is refused or ends with other results. A trainer that forgot to save one of
 * them would so fail the comparisons of {@link KilledRunTest}.
 */
class CheckpointFieldsTest {
  private static final ImageDataset DATA = TinyData.of(72, 30);

  /** Fields that change nothing but times; and what they are set to, in seconds or images. */
  private static final Set<String> TIMES =
      Set.of("seconds", "imagesPerSecond", "secondsSpent", "epochSeconds", "trainSeconds");

  private static final double LONG = 1e9;

  @TempDir Path temporary;

  private Path stopped;
  private Path file;
  private RunCheckpoint saved;

  private static RunConfig config() {
    return new TinyRun().alpha(0.7f).config();
  }

  /** Stops in the second epoch of the student: two models are done, and one epoch of the third. */
  @BeforeEach
  void stop() throws IOException {
    stopped = temporary.resolve("stopped");
    StopSignal stop = new StopSignal();
    TrainingListener stopping =
        new TrainingListener() {
          @Override
          public void progress(Work work, int done, int total) {
            if (work.equals(new Work.Epoch(ModelRole.STUDENT, 2, config().epochs()))
                && done == 32) {
              stop.request(ExitCode.INTERRUPTED);
            }
          }
        };
    try (OnednnBackend backend = onednn();
        RunFolder folder = RunFolder.create(stopped)) {
      DistillationRun run = new DistillationRun(backend, config(), DATA, folder, stopping, stop, 1);
      assertThatThrownBy(() -> run.execute(null)).hasMessageContaining("interrupted");
    }
    try (var files = Files.list(stopped.resolve("checkpoint"))) {
      file = files.sorted().toList().getLast();
    }
    saved = RunCheckpoint.read(file);
  }

  private static OnednnBackend onednn() {
    return new OnednnBackend(new BackendOptions(1, true));
  }

  @Test
  void withoutAnyOneOfThemTheCheckpointIsRefused() {
    List<String> paths = new ArrayList<>(JsonLeaves.of(saved.state()).keySet());
    assertThat(paths)
        .contains("config.seed", "position.progress.cursor", "finished.baseline.finalLoss")
        .contains("position.history[0].loss", "datasetSha256", "inProgress");
    for (String path : paths) {
      if (!path.endsWith("]")) { // an element of a list is no field
        assertRefused(path, without(path), saved.arrays());
      }
    }
    for (NamedArray array : saved.arrays()) {
      List<NamedArray> others = new ArrayList<>(saved.arrays());
      others.remove(array);
      assertRefused(array.name(), saved.state(), others);
    }
  }

  private void assertRefused(String what, JsonObject state, List<NamedArray> arrays) {
    assertThatThrownBy(() -> resume(state, arrays))
        .as("without %s", what)
        .isInstanceOf(DistillException.class)
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DATA);
  }

  @Test
  void withAnyOneOfThemChangedTheRunIsRefusedOrEndsOtherwise() throws IOException {
    TreeMap<String, Object> expected = resume(saved.state(), saved.arrays());
    assertThat(resume(saved.state(), saved.arrays())).as("unchanged").isEqualTo(expected);
    Set<String> seen = new HashSet<>();
    for (String path : JsonLeaves.of(saved.state()).keySet()) {
      // One epoch of each list speaks for the others.
      if (seen.add(path.replaceAll("\\[\\d+\\]\\.", "[]."))) {
        assertMatters(path, changed(path), saved.arrays(), expected);
      }
    }
    for (int i = 0; i < saved.arrays().size(); i++) {
      NamedArray array = saved.arrays().get(i);
      List<NamedArray> arrays = new ArrayList<>(saved.arrays());
      arrays.set(
          i, new NamedArray(array.name(), array.shape(), new float[array.shape().elements()]));
      assertMatters(array.name(), saved.state(), arrays, expected);
    }
  }

  private void assertMatters(
      String what, JsonObject state, List<NamedArray> arrays, TreeMap<String, Object> expected)
      throws IOException {
    TreeMap<String, Object> results;
    try {
      results = resume(state, arrays);
    } catch (DistillException refused) {
      return;
    }
    assertThat(results).as("with another %s", what).isNotEqualTo(expected);
  }

  /** Resumes a copy of the stopped run from another checkpoint, and returns what it leaves. */
  private TreeMap<String, Object> resume(JsonObject state, List<NamedArray> arrays)
      throws IOException {
    Path copy = Files.createTempDirectory(temporary, "resumed");
    Files.createDirectory(copy.resolve("checkpoint"));
    Files.copy(stopped.resolve("config.json"), copy.resolve("config.json"));
    AtomicFile.write(
        copy.resolve("checkpoint").resolve(file.getFileName()),
        new RunCheckpoint(state, arrays)::writeTo);
    try (OnednnBackend backend = onednn();
        RunFolder folder = RunFolder.open(copy)) {
      RunSnapshot snapshot = folder.newestSnapshot(line -> {}).orElseThrow();
      new DistillationRun(
              backend,
              folder.config(Optional.of(snapshot), note -> {}),
              DATA,
              folder,
              new TrainingListener() {},
              new StopSignal(),
              1)
          .resume(snapshot);
    }
    return results(copy);
  }

  /** The student's bytes, the history and the metrics; times to within some months. */
  private static TreeMap<String, Object> results(Path folder) throws IOException {
    TreeMap<String, Object> results = new TreeMap<>();
    results.put("student", ByteBuffer.wrap(Files.readAllBytes(folder.resolve("student.pth"))));
    results.put(
        "history",
        Files.readAllLines(folder.resolve("history.csv")).stream()
            .skip(1)
            .map(
                line -> {
                  String[] columns = line.split(",");
                  columns[8] = inMonths(columns[8]);
                  columns[9] = inMonths(columns[9]);
                  return String.join(",", columns);
                })
            .toList());
    Map<String, String> metrics =
        JsonLeaves.of(JsonParser.parseString(Files.readString(folder.resolve("metrics.json"))));
    metrics.replaceAll((path, text) -> path.endsWith("Seconds") ? inMonths(text) : text);
    results.put("metrics", metrics);
    return results;
  }

  private static String inMonths(String seconds) {
    return Long.toString(Math.round(Double.parseDouble(seconds) / (LONG / 100)));
  }

  private JsonObject without(String path) {
    JsonObject state = saved.state().deepCopy();
    parent(state, path).remove(name(path));
    return state;
  }

  private JsonObject changed(String path) {
    JsonObject state = saved.state().deepCopy();
    if (path.endsWith("]")) {
      state.getAsJsonObject("config").getAsJsonArray("models").remove(0);
      return state;
    }
    JsonObject parent = parent(state, path);
    parent.add(name(path), another(name(path), parent.get(name(path))));
    return state;
  }

  /** What a field would hold that was not saved: zero; and something else where it is zero. */
  private static JsonElement another(String name, JsonElement value) {
    if (TIMES.contains(name)) {
      return new JsonPrimitive(LONG);
    }
    if (value.isJsonPrimitive() && value.getAsJsonPrimitive().isNumber()) {
      return new JsonPrimitive(value.getAsDouble() == 0 ? 1 : 0);
    }
    if (value.isJsonPrimitive() && value.getAsJsonPrimitive().isBoolean()) {
      return new JsonPrimitive(!value.getAsBoolean());
    }
    return new JsonPrimitive("?");
  }

  private static String name(String path) {
    return path.substring(path.lastIndexOf('.') + 1);
  }

  private static JsonObject parent(JsonObject state, String path) {
    JsonElement parent = state;
    String[] steps = path.split("\\.");
    for (int i = 0; i < steps.length - 1; i++) {
      String[] parts = steps[i].split("[\\[\\]]");
      parent = parent.getAsJsonObject().get(parts[0]);
      if (parts.length > 1) {
        parent = parent.getAsJsonArray().get(Integer.parseInt(parts[1]));
      }
    }
    return parent.getAsJsonObject();
  }
}
