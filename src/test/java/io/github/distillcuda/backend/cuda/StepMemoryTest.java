package io.github.distillcuda.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.nn.Architecture;
import io.github.distillcuda.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The memory of a step is known before it is asked for: a run that cannot fit ends before it. */
class StepMemoryTest {
  private static final int BATCH = 512;

  private static Backend open(EmulatedDevice device, Layers layers) {
    return new CudaBackend(
        EmulatedEngine.of(device),
        0,
        new BackendOptions(0, true, Kernels.FUSED, layers, Precision.FP32, Engine.AUTO));
  }

  /** Allocates what a step does, and runs nothing. */
  private static void recordTraining(Backend backend, ParameterArena parameters, int batch) {
    StepRecorder step = backend.record(batch);
    Tensor input = backend.createTensor("images", Architecture.IMAGE.withBatch(batch));
    List<LayerPass> passes = new ArrayList<>();
    for (LayerSpec layer : parameters.layers()) {
      LayerPass pass = step.forward(layer, parameters, input, true);
      passes.add(pass);
      input = pass.output();
    }
    Tensor gradient = backend.createTensor("gradient", input.shape());
    for (int i = passes.size() - 1; i >= 0; i--) {
      gradient = step.backward(passes.get(i), gradient, i > 0);
    }
  }

  @ParameterizedTest
  @EnumSource
  void theEstimateIsWhatAStepAllocates(Layers layers) {
    List<LayerSpec> network = Architecture.STUDENT.layers();
    EmulatedDevice device = new EmulatedDevice().withoutWork();
    try (Backend backend = open(device, layers)) {
      ParameterArena parameters = backend.createParameters(network, BATCH, true);
      // Handles and workspaces come with the first step, whatever its size.
      recordTraining(backend, parameters, 1);
      long before = device.allocatedBytes();
      recordTraining(backend, parameters, BATCH);
      double allocated = device.allocatedBytes() - before;
      double estimate = (double) BATCH * new StepMemory(network, layers, true).bytesOfARow();
      // Masks, partial sums and what a larger workspace costs are not in it: a few percent.
      assertThat(estimate / allocated).isBetween(0.9, 1.0);
    }
    assertThat(device.live()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void whatIsMissingIsSaidBeforeAnythingIsAllocatedAndTheSuggestedBatchFits(Layers layers) {
    List<LayerSpec> network = Architecture.TEACHER.layers();
    EmulatedDevice device = new EmulatedDevice().withoutWork();
    try (Backend backend = open(device, layers)) {
      device.withFreeBytes(400L << 20);
      long before = device.allocatedBytes();
      assertThatExceptionOfType(DistillException.class)
          .isThrownBy(() -> backend.createParameters(network, 50_000, true))
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE_MEMORY))
          .withMessageContaining("GPU memory: steps of 50000 images need")
          .withMessageContaining("free are 400 MiB")
          .withMessageContaining("the largest buffers are")
          .satisfies(
              e -> {
                assertThat(device.allocatedBytes()).isEqualTo(before);
                Matcher fits = Pattern.compile("--batch-size (\\d+) fits").matcher(e.getMessage());
                assertThat(fits.find()).as(e.getMessage()).isTrue();
                int batch = Integer.parseInt(fits.group(1));
                ParameterArena parameters = backend.createParameters(network, batch, true);
                recordTraining(backend, parameters, batch);
                recordTraining(backend, parameters, batch - 1);
              });
    }
    assertThat(device.live()).isEmpty();
  }

  @Test
  void whereNothingFitsNothingIsSuggested() {
    EmulatedDevice device = new EmulatedDevice().withoutWork();
    try (Backend backend = open(device, Layers.CUDNN)) {
      device.withFreeBytes(1 << 20);
      assertThatExceptionOfType(DistillException.class)
          .isThrownBy(() -> backend.createParameters(Architecture.TEACHER.layers(), 64, true))
          .withMessageContaining("not even steps of one image fit");
    }
  }
}
