package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.onednn.OnednnBackend;
import io.github.distillcuda.backend.reference.ReferenceBackend;
import io.github.distillcuda.checkpoint.ModelFiles;
import io.github.distillcuda.data.EpochOrder;
import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.tensor.NamedArray;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole runs of tiny networks on tiny data, through the folder they leave behind. */
class DistillationRunTest {
  /** 72 images at batch 16: four full steps and a tail of eight, every epoch. */
  private static final ImageDataset DATA = TinyData.of(72, 30);

  private static final Set<ModelRole> ALL = EnumSet.allOf(ModelRole.class);

  @TempDir Path temporary;

  private static RunConfig config(
      Set<ModelRole> models, float alpha, double learningRate, boolean recompute) {
    return new TinyRun()
        .models(models)
        .alpha(alpha)
        .epochs(2, 3)
        .learningRate(learningRate)
        .recomputeTeacher(recompute)
        .config();
  }

  private RunMetrics run(Backend backend, RunConfig config, String name) {
    return run(backend, config, name, new TrainingListener() {}, new StopSignal());
  }

  private RunMetrics run(
      Backend backend, RunConfig config, String name, TrainingListener listener, StopSignal stop) {
    try (backend;
        RunFolder folder = RunFolder.create(temporary.resolve(name))) {
      return new DistillationRun(backend, config, DATA, folder, listener, stop, 1).execute(null);
    }
  }

  private static OnednnBackend onednn() {
    return new OnednnBackend(new BackendOptions(1, true));
  }

  private byte[] bytes(String run, String file) throws IOException {
    return Files.readAllBytes(temporary.resolve(run).resolve(file));
  }

  /** What cannot be deleted at the end is no reason to resume: there is nothing left to do. */
  @Test
  void checkpointsThatCannotBeDeletedDoNotHideThatTheRunIsDone() throws IOException {
    Path root = temporary.resolve("stuck");
    Path stuck = root.resolve("checkpoint/checkpoint-0000009999.ckpt");
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void epochDone(EpochRecord epoch) {
            try {
              if (Files.exists(stuck.getParent())) { // with a checkpoint of this run
                Files.createDirectories(stuck.resolve("not a file"));
              }
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    RunConfig config = config(EnumSet.of(ModelRole.BASELINE), 0.7f, 1e-2, false);
    try (Backend backend = onednn();
        RunFolder folder = RunFolder.create(root)) {
      DistillationRun run =
          new DistillationRun(backend, config, DATA, folder, listener, new StopSignal(), 1);
      assertThatThrownBy(() -> run.execute(null))
          .isInstanceOf(DistillException.class)
          .hasMessageContaining(stuck.toString())
          .hasMessageContaining("the run is done, its results are in " + root + "/metrics.json");
      assertThat(folder.lastCheckpoint()).as("a place to go on from").isEmpty();
    }
    assertThat(root.resolve("metrics.json")).exists();
    assertThat(root.resolve("baseline.pth")).exists();
  }

  @Test
  void writesModelsMetricsHistoryAndConfigAndNoCheckpoint() throws IOException {
    RunMetrics metrics = run(onednn(), config(ALL, 0.7f, 1e-2, false), "whole");
    Path folder = temporary.resolve("whole");
    try (var files = Files.list(folder)) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .contains(
              "config.json",
              "history.csv",
              "metrics.json",
              "teacher.safetensors",
              "teacher.pth",
              "baseline.safetensors",
              "baseline.pth",
              "student.safetensors",
              "student.pth")
          .doesNotContain("checkpoint");
    }
    assertThat(Files.readAllLines(folder.resolve("history.csv")))
        .hasSize(1 + 2 + 3 + 3)
        .first()
        .isEqualTo(
            "model,epoch,step,loss,kd,ce,trainAccuracy,testAccuracy,seconds,imagesPerSecond");
    JsonObject json =
        JsonParser.parseString(Files.readString(folder.resolve("metrics.json"))).getAsJsonObject();
    assertThat(json.get("schema").getAsInt()).isEqualTo(1);
    assertThat(json.getAsJsonObject("dataset").get("sha256").getAsString())
        .isEqualTo(DATA.sha256());
    JsonObject student = json.getAsJsonObject("models").getAsJsonObject("student");
    assertThat(student.get("parameters").getAsInt()).isEqualTo(TinyData.STUDENT.parameterCount());
    assertThat(student.get("agreementWithTeacher").getAsDouble()).isBetween(0.0, 1.0);
    assertThat(student.has("loadedFrom")).isFalse();
    assertThat(metrics.models()).containsOnlyKeys("teacher", "baseline", "student");
  }

  @Test
  void learns() {
    RunMetrics metrics = run(onednn(), config(ALL, 0.7f, 1e-2, false), "learns");
    // Ten equal classes: chance is 0.1. The rows that give the class away are easy to learn.
    assertThat(metrics.models().get("teacher").bestTestAccuracy()).isGreaterThan(0.3);
  }

  /** From an implementation in Python, so that a seed keeps its weights whatever Java runs. */
  @Test
  void everyModelStartsFromTheWeightsOfTheSeed() {
    Map<ModelRole, float[]> first = new EnumMap<>(ModelRole.class);
    TrainingListener starts =
        new TrainingListener() {
          @Override
          public void trainingStarted(TrainingTask task, TrainingPosition position) {
            float[] conv1 = task.network().save().getFirst().values();
            first.put(task.role(), Arrays.copyOf(conv1, 2));
          }
        };
    run(onednn(), config(ALL, 0.7f, 1e-2, false), "starts", starts, new StopSignal());
    assertThat(first.get(ModelRole.TEACHER)).containsExactly(-0.06031697f, 0.17541699f);
    assertThat(first.get(ModelRole.STUDENT)).containsExactly(0.18733525f, -0.07364581f);
    assertThat(first.get(ModelRole.BASELINE)).containsExactly(first.get(ModelRole.STUDENT));
  }

  @Test
  void everythingThatTakesLongShowsItsProgress() {
    Map<Work, String> last = new LinkedHashMap<>();
    TrainingListener progress =
        new TrainingListener() {
          @Override
          public void progress(Work work, int done, int total) {
            last.put(work, done + "/" + total);
          }
        };
    run(onednn(), config(ALL, 0.7f, 1e-2, false), "shown", progress, new StopSignal());
    List<Work> expected = new ArrayList<>(works(ModelRole.TEACHER, 2));
    expected.addAll(works(ModelRole.BASELINE, 3));
    expected.add(new Work.TeacherLogits());
    expected.addAll(works(ModelRole.STUDENT, 3));
    assertThat(last.keySet()).containsExactlyElementsOf(expected);
    last.forEach(
        (work, done) -> {
          boolean ofTraining = work instanceof Work.Epoch || work instanceof Work.TeacherLogits;
          assertThat(done).as(work.toString()).isEqualTo(ofTraining ? "72/72" : "30/30");
        });
  }

  private static List<Work> works(ModelRole role, int epochs) {
    List<Work> works = new ArrayList<>();
    for (int epoch = 1; epoch <= epochs; epoch++) {
      works.add(new Work.Epoch(role, epoch, epochs));
      works.add(new Work.EpochTest(role, epoch, epochs));
    }
    works.add(new Work.SavedTest(role));
    return works;
  }

  @Test
  void repeatsToTheBit() throws IOException {
    run(onednn(), config(ALL, 0.7f, 1e-2, false), "first");
    run(onednn(), config(ALL, 0.7f, 1e-2, false), "second");
    for (String file : List.of("teacher.safetensors", "student.safetensors", "student.pth")) {
      assertThat(bytes("second", file)).as(file).isEqualTo(bytes("first", file));
    }
  }

  @Test
  void alphaZeroGivesTheBaselineToTheBit() throws IOException {
    run(onednn(), config(ALL, 0, 1e-2, false), "alpha0");
    assertThat(bytes("alpha0", "student.safetensors"))
        .isEqualTo(bytes("alpha0", "baseline.safetensors"));
    run(onednn(), config(ALL, 0.7f, 1e-2, false), "alpha07");
    assertThat(bytes("alpha07", "student.safetensors"))
        .isNotEqualTo(bytes("alpha07", "baseline.safetensors"));
  }

  /** Float64 loops take each row alone, so that the batch the teacher ran in cannot matter. */
  @Test
  void cachedAndRecomputedTeachersGiveTheSameStudentInTheReference() throws IOException {
    run(new ReferenceBackend(BackendOptions.DEFAULT), config(ALL, 0.7f, 1e-2, false), "cached");
    run(new ReferenceBackend(BackendOptions.DEFAULT), config(ALL, 0.7f, 1e-2, true), "online");
    assertThat(bytes("online", "student.safetensors"))
        .isEqualTo(bytes("cached", "student.safetensors"));
  }

  /**
   * In float32 the teacher's logits differ in their last bits between a batch of 100 and one of 16,
   * a relative 1e-6; fifteen steps of Adam, each of at most 1e-3, may turn the sign of gradients
   * near zero and so amplify that, but nothing near a thousandth.
   */
  @Test
  void cachedAndRecomputedTeachersGiveTheSameStudentUpToRoundingInOneDnn() {
    run(onednn(), config(ALL, 0.7f, 1e-3, false), "cached");
    run(onednn(), config(ALL, 0.7f, 1e-3, true), "online");
    List<NamedArray> cached = ModelFiles.read(temporary.resolve("cached/student.safetensors"));
    List<NamedArray> online = ModelFiles.read(temporary.resolve("online/student.safetensors"));
    for (int i = 0; i < cached.size(); i++) {
      float[] expected = cached.get(i).values();
      float[] actual = online.get(i).values();
      for (int j = 0; j < expected.length; j++) {
        assertThat((double) actual[j])
            .as(cached.get(i).name())
            .isCloseTo(expected[j], org.assertj.core.data.Offset.offset(1e-3));
      }
    }
  }

  /**
   * Stops after every second step of the whole run, ends of epochs and models among them, and
   * resumes.
   */
  @Test
  void goesOnToTheSameBitsWhereverItStops() throws IOException {
    RunConfig config = config(ALL, 0.7f, 1e-2, false);
    run(onednn(), config, "uninterrupted");
    int steps = 5 * (2 + 3 + 3);
    for (int after = 1; after <= steps; after += 2) {
      String name = "stopped after " + after;
      StopSignal stop = new StopSignal();
      TrainingListener stopping = stopAfter(after, stop);
      assertThatThrownBy(() -> run(onednn(), config, name, stopping, stop))
          .isInstanceOf(DistillException.class)
          .hasMessageContaining("interrupted after step")
          .extracting(e -> ((DistillException) e).exitCode())
          .isEqualTo(ExitCode.INTERRUPTED);
      resume(name, DATA);
      assertThat(bytes(name, "student.safetensors"))
          .as(name)
          .isEqualTo(bytes("uninterrupted", "student.safetensors"));
      assertThat(losses(name)).as(name).isEqualTo(losses("uninterrupted"));
    }
  }

  private static TrainingListener stopAfter(int steps, StopSignal stop) {
    return new TrainingListener() {
      private int seen;

      @Override
      public void progress(Work work, int done, int total) {
        if (work instanceof Work.Epoch && ++seen == steps) {
          stop.request(ExitCode.INTERRUPTED);
        }
      }
    };
  }

  @Test
  void otherImagesAreNotResumedOn() {
    RunConfig config = config(EnumSet.of(ModelRole.BASELINE), 0.7f, 1e-2, false);
    StopSignal stop = new StopSignal();
    TrainingListener stopping = stopAfter(1, stop);
    assertThatThrownBy(() -> run(onednn(), config, "stopped", stopping, stop))
        .hasMessageContaining("interrupted");
    ImageDataset other = TinyData.of(73, 30).subset(72);
    assertThatThrownBy(() -> resume("stopped", other))
        .hasMessageContaining("the training images are not those the run began with (SHA-256 ")
        .hasMessageContaining(DATA.sha256())
        .hasMessageContaining(other.sha256())
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.USAGE);
  }

  private void resume(String name, ImageDataset data) {
    try (OnednnBackend backend = onednn();
        RunFolder folder = RunFolder.open(temporary.resolve(name))) {
      RunSnapshot snapshot = folder.newestSnapshot(line -> {}).orElseThrow();
      new DistillationRun(
              backend,
              snapshot.state().config(),
              data,
              folder,
              new TrainingListener() {},
              new StopSignal(),
              1)
          .resume(snapshot);
    }
  }

  /** The history without its last two columns, which are times. */
  private List<String> losses(String run) throws IOException {
    return Files.readAllLines(temporary.resolve(run).resolve("history.csv")).stream()
        .map(line -> line.replaceFirst(",[^,]*,[^,]*$", ""))
        .toList();
  }

  /** The first step moves every weight by 1e30; the products of the second overflow. */
  @Test
  void stopsAtANumberThatIsNotFiniteAndNamesTheStep() {
    String images = Arrays.toString(Arrays.copyOfRange(EpochOrder.of(42, 1, 72), 16, 32));
    assertThatThrownBy(() -> run(onednn(), config(ALL, 0.7f, 1e30, false), "diverged"))
        .isInstanceOf(DistillException.class)
        .hasMessageContaining("teacher: NaN or infinity in ")
        .hasMessageContaining("at step 2 (epoch 1, images " + images + ");")
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.NOT_FINITE);
  }

  @Test
  void leavesAModelFileThatIsThereAlreadyAsItIs() throws IOException {
    Files.createDirectories(temporary.resolve("mine"));
    Files.writeString(temporary.resolve("mine/student.pth"), "precious");
    assertThatThrownBy(() -> RunFolder.create(temporary.resolve("mine")))
        .isInstanceOf(DistillException.class)
        .hasMessageContaining("student.pth exists and is left as it is");
    assertThat(temporary.resolve("mine/student.pth")).hasContent("precious");
  }

  @Test
  void leavesAFolderThatHoldsARunAsItIs() {
    run(onednn(), config(EnumSet.of(ModelRole.BASELINE), 0.7f, 1e-3, false), "held");
    assertThatThrownBy(() -> RunFolder.create(temporary.resolve("held")))
        .isInstanceOf(DistillException.class)
        .hasMessage(
            temporary.resolve("held")
                + " holds a run that is done, its results are in metrics.json; choose another"
                + " --out")
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.USAGE);
  }

  @Test
  void aRunThatIsNotDoneCanBeGoneOnWith() throws IOException {
    Path root = Files.createDirectories(temporary.resolve("begun"));
    Files.writeString(root.resolve("config.json"), "{}");
    assertThatThrownBy(() -> RunFolder.create(root))
        .isInstanceOf(DistillException.class)
        .hasMessageContaining("holds a run already")
        .hasMessageEndingWith("go on with it: --resume " + root);
  }
}
