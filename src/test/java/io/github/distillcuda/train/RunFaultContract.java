package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonParser;
import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.checkpoint.ModelFiles;
import io.github.distillcuda.data.EpochOrder;
import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What faults do to a run, on whatever device: NaN, a full disk, a request to stop. Each ends in
 * one line with the documented exit code; what was saved is kept, and a run that goes on from there
 * leaves the bits of the run to which nothing happened.
 */
abstract class RunFaultContract {
  /** 72 images at batch 16: four full steps and a tail of eight, every epoch. */
  static final ImageDataset DATA = TinyData.of(72, 30);

  private static final int BATCH = 16;

  @TempDir Path temporary;

  /** Opens a device; the caller closes it. */
  abstract Backend open();

  /** Whether runs on it can be resumed: a checkpoint keeps float32. */
  boolean resumes() {
    return true;
  }

  static RunConfig config(Set<ModelRole> models, int epochs, double learningRate) {
    return new TinyRun()
        .models(models)
        .epochs(1, epochs)
        .batchSize(BATCH)
        .learningRate(learningRate)
        .networks(new Architecture(3, 4, 5, 10), new Architecture(2, 3, 4, 10))
        .precision(Precision.FP32)
        .config();
  }

  private static final RunConfig BASELINE = config(EnumSet.of(ModelRole.BASELINE), 2, 1e-2);
  private static final RunConfig ALL = config(EnumSet.allOf(ModelRole.class), 2, 1e-2);

  final void run(RunConfig config, String name, TrainingListener listener, StopSignal stop) {
    try (Backend backend = open();
        RunFolder folder = RunFolder.create(temporary.resolve(name))) {
      new DistillationRun(backend, config, DATA, folder, listener, stop, 1).execute(null);
    }
  }

  final void run(RunConfig config, String name, TrainingListener listener) {
    run(config, name, listener, new StopSignal());
  }

  final void resume(String name) {
    try (Backend backend = open();
        RunFolder folder = RunFolder.open(temporary.resolve(name))) {
      RunSnapshot snapshot = folder.newestSnapshot(line -> {}).orElseThrow();
      TrainingListener quiet = new TrainingListener() {};
      new DistillationRun(
              backend, snapshot.state().config(), DATA, folder, quiet, new StopSignal(), 1)
          .resume(snapshot);
    }
  }

  final void assertResumesToTheBitsOf(String whole, String name) throws IOException {
    if (resumes()) {
      resume(name);
      for (ModelRole role : ModelRole.values()) {
        Path model = temporary.resolve(whole).resolve(role + ".safetensors");
        if (Files.exists(model)) {
          assertThat(temporary.resolve(name).resolve(role + ".safetensors"))
              .hasSameBinaryContentAs(model);
        }
      }
    }
  }

  /** Does something once, when a model's training has come so far in an epoch. */
  static final class At implements TrainingListener {
    private final ModelRole role;
    private final int epoch;
    private final int images;
    private final Consumer<TrainingTask> then;
    private TrainingTask task;

    At(ModelRole role, int epoch, int images, Consumer<TrainingTask> then) {
      this.role = role;
      this.epoch = epoch;
      this.images = images;
      this.then = then;
    }

    @Override
    public void trainingStarted(TrainingTask started, TrainingPosition position) {
      task = started;
    }

    @Override
    public void progress(Work work, int done, int total) {
      if (work instanceof Work.Epoch(ModelRole trained, int current, int _)
          && trained == role
          && current == epoch
          && done == images) {
        then.accept(task);
      }
    }
  }

  private static void poison(Tensor tensor) {
    float[] values = new float[tensor.shape().elements()];
    tensor.read(values);
    values[values.length / 2] = Float.NaN;
    tensor.write(values);
  }

  private static int[] images(int epoch, int step) {
    int from = (step - 1) * BATCH;
    int[] order = EpochOrder.of(42, epoch, DATA.trainCount());
    return Arrays.copyOfRange(order, from, Math.min(from + BATCH, order.length));
  }

  /** A weight goes bad in the second epoch, as on a faulty device; what was saved did not. */
  @Test
  void aBadWeightIsNamedAndTheLastCheckpointIsKept() throws IOException {
    run(BASELINE, "whole", new TrainingListener() {});
    int[] images = images(2, 3);
    At poisoning =
        new At(
            ModelRole.BASELINE,
            2,
            2 * BATCH,
            task -> poison(task.network().parameters().values().get(2)));
    Path folder = temporary.resolve("poisoned");
    assertThatThrownBy(() -> run(BASELINE, "poisoned", poisoning))
        .hasMessage(
            ("baseline: NaN or infinity in parameter conv2.weight at step 8 (epoch 2, images %s);"
                    + " no parameter was written since; the state at that step is in %s; %s; try a"
                    + " smaller --lr")
                .formatted(
                    Arrays.toString(images),
                    folder.resolve("nan-dump.safetensors"),
                    resumes()
                        ? "the last checkpoint is kept, "
                            + folder.resolve("checkpoint/checkpoint-0000000005.ckpt")
                        : "there is no checkpoint yet"))
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.NOT_FINITE);
    Dump dump = Dump.read(folder.resolve("nan-dump.safetensors"));
    assertThat(dump.description)
        .isEqualTo(
            Map.of(
                "format", "pt",
                "model", "baseline",
                "step", "8",
                "epoch", "2",
                "images", Arrays.toString(images),
                "first_not_finite", "parameter conv2.weight"));
    assertThat(dump.badNames())
        .contains("parameters/conv2.weight")
        .doesNotContain("parameters/conv1.weight")
        .noneMatch(name -> name.contains("moments"));
    assertThat(dump.names())
        .hasSize(4 * 8 + 1)
        .contains("gradients/fc1.bias", "first_moments/conv1.bias", "second_moments/fc2.weight");
    assertResumesToTheBitsOf("whole", "poisoned");
  }

  @Test
  void aBadLogitOfTheTeacherIsNamed() throws IOException {
    int image = images(1, 5)[7]; // the tail of the epoch: a step of its own size
    At poisoning =
        new At(
            ModelRole.STUDENT,
            1,
            BATCH,
            task -> {
              LogitsTable logits = ((TeacherSource.Cached) task.teacher()).table();
              float[] values = new float[DATA.trainCount() * 10];
              logits.read(values);
              values[image * 10 + 3] = Float.NaN;
              logits.write(values);
            });
    assertThatThrownBy(() -> run(ALL, "teacher", poisoning))
        .hasMessageStartingWith(
            "student: NaN or infinity in the teacher's logits at step 5 (epoch 1, images "
                + Arrays.toString(images(1, 5)))
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.NOT_FINITE);
    Dump dump = Dump.read(temporary.resolve("teacher/nan-dump.safetensors"));
    assertThat(dump.badNames()).contains("teacher_logits").doesNotContain("logits");
    assertThat(dump.names()).contains("teacher_logits");
  }

  /** Each step moves every weight by a million; the squares of such gradients overflow. */
  @Test
  void aLearningRateOfAMillionEndsTheRun() throws IOException {
    assertThatThrownBy(
            () ->
                run(
                    config(EnumSet.of(ModelRole.BASELINE), 2, 1e6),
                    "diverged",
                    new TrainingListener() {}))
        .hasMessageMatching(
            "baseline: NaN or infinity in second moment of conv1\\.\\w+ after step 5 \\(epoch 1\\);"
                + " it was not saved; the state at that step is in \\S*; there is no checkpoint"
                + " yet; try a smaller --lr")
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.NOT_FINITE);
    Dump dump = Dump.read(temporary.resolve("diverged/nan-dump.safetensors"));
    assertThat(dump.badNames()).isNotEmpty().allMatch(name -> name.startsWith("second_moments/"));
    assertThat(dump.description).containsEntry("images", "[]").containsEntry("step", "5");
  }

  /** Where a dump is, another goes beside it; where there is no room, the run still says NaN. */
  @Test
  void aDumpReplacesNothingAndItsFailureHidesNothing() throws IOException {
    Path folder = temporary.resolve("twice");
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("nan-dump.safetensors"), "precious");
    At poisoning =
        new At(
            ModelRole.BASELINE,
            1,
            BATCH,
            task -> poison(task.network().parameters().values().getFirst()));
    assertThatThrownBy(() -> run(BASELINE, "twice", poisoning))
        .hasMessageContaining(
            "the state at that step is in " + folder.resolve("nan-dump-2.safetensors"))
        .hasMessageContaining("; there is no checkpoint yet; ");
    assertThat(folder.resolve("nan-dump.safetensors")).hasContent("precious");
    Dump.read(folder.resolve("nan-dump-2.safetensors"));

    Path lost = temporary.resolve("lost");
    At losing =
        new At(
            ModelRole.BASELINE,
            1,
            BATCH,
            task -> {
              poison(task.network().parameters().values().getFirst());
              move(lost, temporary.resolve("elsewhere"));
            });
    assertThatThrownBy(() -> run(BASELINE, "lost", losing))
        .hasMessageContaining("at step 2 (epoch 1")
        .hasMessageContaining("the state at that step is not kept: cannot write " + lost)
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.NOT_FINITE);
  }

  private static void move(Path from, Path to) {
    try {
      Files.move(from, to);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Stops behind teacher, cached logits and baseline. */
  @Test
  void aStoppedRunGoesOnToTheSameBits() throws IOException {
    run(ALL, "whole", new TrainingListener() {});
    assertThat(Files.readAllBytes(temporary.resolve("whole/student.safetensors")))
        .isNotEqualTo(Files.readAllBytes(temporary.resolve("whole/baseline.safetensors")));
    StopSignal stop = new StopSignal();
    At stopping = new At(ModelRole.STUDENT, 1, 3 * BATCH, _ -> stop.request(ExitCode.TERMINATED));
    assertThatThrownBy(() -> run(ALL, "stopped", stopping, stop))
        .hasMessage("terminated after step 3 of the student")
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.TERMINATED);
    assertResumesToTheBitsOf("whole", "stopped");
  }

  @Test
  void aFullDiskEndsTheRunAtTheThirdTimeAndCostsNothingElse() throws IOException {
    assumeTrue(resumes(), "skipped: its runs save nothing to go on from");
    RunConfig four = config(EnumSet.of(ModelRole.BASELINE), 4, 1e-2);
    run(four, "whole", new TrainingListener() {});
    List<String> warnings = new ArrayList<>();
    Path checkpoints = temporary.resolve("full/checkpoint");
    TrainingListener filling =
        new TrainingListener() {
          @Override
          public void epochDone(EpochRecord epoch) {
            // A folder in the place of each checkpoint but the first stands for the full disk.
            if (epoch.epoch() > 1) {
              block(checkpoints, epoch.step());
            }
          }

          @Override
          public void warning(String line) {
            warnings.add(line);
          }
        };
    assertThatThrownBy(() -> run(four, "full", filling))
        .hasMessageStartingWith("cannot write " + checkpoints)
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DISK);
    assertThat(warnings).hasSize(2);
    assertThat(warnings.getFirst()).contains("the run goes on").endsWith("(failed 1 of 3)");
    assertThat(checkpoints.resolve("checkpoint-0000000005.ckpt")).isRegularFile();
    try (Stream<Path> blocked = Files.list(checkpoints)) {
      for (Path folder : blocked.filter(Files::isDirectory).toList()) {
        Files.delete(folder);
      }
    }
    assertResumesToTheBitsOf("whole", "full");
  }

  private static void block(Path checkpoints, long sequence) {
    try {
      Files.createDirectories(checkpoints.resolve("checkpoint-%010d.ckpt".formatted(sequence)));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** A dump as a person would look at it: the header by hand, the arrays by the reader. */
  private record Dump(Map<String, String> description, List<NamedArray> arrays) {
    static Dump read(Path file) throws IOException {
      ByteBuffer content = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      byte[] header = new byte[(int) content.getLong()];
      content.get(header);
      Map<String, String> description = new HashMap<>();
      JsonParser.parseString(new String(header, StandardCharsets.UTF_8))
          .getAsJsonObject()
          .getAsJsonObject("__metadata__")
          .asMap()
          .forEach((name, value) -> description.put(name, value.getAsString()));
      return new Dump(description, ModelFiles.read(file));
    }

    List<String> names() {
      return arrays.stream().map(NamedArray::name).toList();
    }

    List<String> badNames() {
      return arrays.stream().filter(Dump::isBad).map(NamedArray::name).toList();
    }

    private static boolean isBad(NamedArray array) {
      for (float value : array.values()) {
        if (!Float.isFinite(value)) {
          return true;
        }
      }
      return false;
    }
  }
}
