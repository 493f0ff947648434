package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.nn.Architecture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Teacher, baseline and student on an emulated GPU, and what is resumed there. */
class EmulatedCudaTrainingTest {
  /** Eight steps an epoch, and few images to evaluate. */
  private static final ImageDataset DATA = TinyData.of(256, 32);

  private static final RunConfig CONFIG =
      new RunConfig(
          EnumSet.allOf(ModelRole.class),
          5,
          0.7,
          2,
          1,
          32,
          1e-2,
          42,
          new Architecture(3, 4, 5, 10),
          new Architecture(2, 2, 3, 10),
          null,
          null,
          Map.of(),
          false,
          "tiny",
          null,
          null,
          true,
          "fused",
          "cudnn",
          "fp32",
          "auto");

  @TempDir Path temporary;

  private interface Work {
    void on(DistillationRun run, RunFolder folder);
  }

  private void run(RunFolder opened, TrainingListener listener, StopSignal stop, Work work) {
    EmulatedDevice device = new EmulatedDevice();
    try (CudaBackend backend =
            new CudaBackend(EmulatedEngine.of(device), 0, BackendOptions.DEFAULT);
        RunFolder folder = opened) {
      work.on(new DistillationRun(backend, CONFIG, DATA, folder, listener, stop, 1), folder);
    }
    assertThat(device.live()).isEmpty();
  }

  /** Stops in the first epoch of the student, behind teacher, cached logits and baseline. */
  @Test
  void aStoppedRunGoesOnToTheSameBits() throws IOException {
    run(
        RunFolder.create(temporary.resolve("whole")),
        new TrainingListener() {},
        new StopSignal(),
        (run, _) -> run.execute(null));

    StopSignal stop = new StopSignal();
    TrainingListener stopping =
        new TrainingListener() {
          @Override
          public void progress(String work, int done, int total) {
            if (work.startsWith("student epoch 1")) {
              stop.request(ExitCode.INTERRUPTED);
            }
          }
        };
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(
            () ->
                run(
                    RunFolder.create(temporary.resolve("stopped")),
                    stopping,
                    stop,
                    (run, _) -> run.execute(null)))
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.INTERRUPTED));
    run(
        RunFolder.open(temporary.resolve("stopped")),
        new TrainingListener() {},
        new StopSignal(),
        (run, folder) -> run.resume(folder.newestSnapshot(line -> {}).orElseThrow()));
    for (String model : List.of("teacher", "baseline", "student")) {
      assertThat(bytes("stopped", model)).as(model).isEqualTo(bytes("whole", model));
    }
    assertThat(bytes("whole", "student")).isNotEqualTo(bytes("whole", "baseline"));
  }

  private byte[] bytes(String run, String model) throws IOException {
    return Files.readAllBytes(temporary.resolve(run).resolve(model + ".safetensors"));
  }
}
