package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.backend.onednn.OnednnBackend;
import io.github.distillcuda.backend.reference.ReferenceBackend;
import io.github.distillcuda.data.ImageDataset;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.nn.Architecture;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Batches that are larger than a device has tensors for, and larger than the data set. */
class LargeBatchTest {
  private static final ImageDataset DATA = TinyData.of(72, 30);
  private static final BackendOptions OPTIONS = new BackendOptions(1, true);
  private static final Supplier<Backend> ONEDNN = () -> new OnednnBackend(OPTIONS);
  private static final Supplier<Backend> REFERENCE = () -> new ReferenceBackend(OPTIONS);
  private static final Supplier<Backend> CUDA =
      () -> new CudaBackend(EmulatedEngine.of(new EmulatedDevice()), 0, OPTIONS);

  @TempDir Path temporary;

  private void run(Supplier<Backend> device, int conv1, int batch) {
    RunConfig config =
        new TinyRun()
            .models(EnumSet.of(ModelRole.BASELINE))
            .networks(TinyData.TEACHER, new Architecture(conv1, 1, 1, 10))
            .batchSize(batch)
            .config();
    run(device, config);
  }

  private void run(Supplier<Backend> device, RunConfig config) {
    try (Backend backend = device.get();
        RunFolder folder = RunFolder.create(temporary.resolve("run"))) {
      new DistillationRun(
              backend, config, DATA, folder, new TrainingListener() {}, new StopSignal(), 1)
          .execute(null);
    }
  }

  private void assertRefused(Supplier<Backend> device, int conv1, String begin, String advice) {
    assertThatThrownBy(() -> run(device, conv1, 64))
        .isInstanceOfSatisfying(
            DistillException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.USAGE))
        .hasMessageStartingWith(
            begin + ": a tensor of the baseline in training would be larger than ")
        .hasMessageEndingWith(" takes; " + advice);
  }

  /** A row of conv1 with 32,768 channels has 2^25 elements, of which oneDNN takes 2^29 - 1. */
  @Test
  void aBatchOfMoreThanATensorHoldsIsRefusedWithOneThatFits() {
    assertRefused(REFERENCE, 32_768, "--batch-size 64", "--batch-size 63 fits");
    assertRefused(CUDA, 32_768, "--batch-size 64", "--batch-size 63 fits");
    assertRefused(ONEDNN, 16_384, "--batch-size 64", "--batch-size 31 fits");
  }

  /** The teacher's tensors hold 63 rows; what is advised must fit both. */
  @Test
  void ofTwoModelsThatDoNotFitTheNarrowerLimitIsTheAdvice() {
    RunConfig config =
        new TinyRun()
            .models(EnumSet.of(ModelRole.TEACHER, ModelRole.BASELINE))
            .networks(new Architecture(32_768, 1, 1, 10), new Architecture(65_536, 1, 1, 10))
            .batchSize(64)
            .config();
    assertThatThrownBy(() -> run(REFERENCE, config))
        .hasMessageContaining("a tensor of the baseline in training ")
        .hasMessageEndingWith(" takes; --batch-size 31 fits");
  }

  /** No batch size changes how many test images a step takes. */
  @Test
  void widthsThatAreTooLargeForTheTestImagesAreRefused() {
    assertRefused(ONEDNN, 32_768, "the test images, 30 at a time", "choose smaller widths");
  }

  /** No step has more images than there are, so that no tensor is larger either. */
  @Test
  void aBatchOfMoreThanAllImagesIsOneStep() {
    run(ONEDNN, 16, 50_000);
    assertThat(temporary.resolve("run/baseline.safetensors")).isRegularFile();
  }
}
