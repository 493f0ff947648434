package io.github.distillcuda.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaConstants;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EmulatedCudaRunFaultTest extends RunFaultContract {
  private static final BackendOptions OPTIONS =
      new BackendOptions(0, true, Kernels.FUSED, Layers.CUDNN, Precision.FP32, Engine.AUTO);

  private final List<EmulatedDevice> devices = new ArrayList<>();

  @Override
  Backend open() {
    return open(new EmulatedDevice());
  }

  private Backend open(EmulatedDevice device) {
    devices.add(device);
    return new CudaBackend(EmulatedEngine.of(device), 0, OPTIONS);
  }

  /**
   * One run for each function of the driver, in which a call of it, halfway, says that the GPU is
   * lost: no call follows, and what was saved is there. For each call of a step in each way: {@code
   * EveryNativeCallFailsTest}.
   */
  @Test
  void aGpuThatIsLostIsNotCalledAgain() throws IOException {
    RunConfig config = config(EnumSet.of(ModelRole.BASELINE), 2, 1e-2);
    EmulatedDevice whole = new EmulatedDevice();
    run(open(whole), config, "whole");
    Map<String, List<Integer>> calls = new TreeMap<>();
    for (int k = 0; k < whole.callCount(); k++) {
      String function = whole.functions().get(k);
      if (!function.startsWith("cudnn") && !function.startsWith("cublas")) {
        calls.computeIfAbsent(function, _ -> new ArrayList<>()).add(k);
      }
    }
    assertThat(calls).containsKeys("cuGraphLaunch", "cuEventQuery", "cuMemcpyDtoHAsync_v2");
    int resumable = 0;
    for (Map.Entry<String, List<Integer>> function : calls.entrySet()) {
      int k = function.getValue().get(function.getValue().size() / 2);
      EmulatedDevice dying = new EmulatedDevice();
      dying.failCall(k, CudaConstants.CUDA_ERROR_ILLEGAL_ADDRESS);
      assertThatThrownBy(() -> run(lost(dying), config, function.getKey()))
          .as(function.getKey())
          .hasMessageContaining(function.getKey())
          .hasMessageContaining("the GPU is lost")
          .extracting(e -> ((DistillException) e).exitCode())
          .isEqualTo(ExitCode.DEVICE);
      assertThat(dying.callCount()).as("calls after %s", function.getKey()).isEqualTo(k + 1);
      if (Files.exists(temporary.resolve(function.getKey()).resolve("checkpoint"))) {
        resumable++;
        assertResumesToTheBitsOf("whole", function.getKey());
      }
    }
    assertThat(resumable).isPositive();
  }

  private static Backend lost(EmulatedDevice device) {
    return new CudaBackend(EmulatedEngine.of(device), 0, OPTIONS);
  }

  private void run(Backend opened, RunConfig config, String name) {
    try (opened;
        RunFolder folder = RunFolder.create(temporary.resolve(name))) {
      TrainingListener quiet = new TrainingListener() {};
      new DistillationRun(opened, config, DATA, folder, quiet, new StopSignal(), 1).execute(null);
    }
  }

  @AfterEach
  void everythingIsEnded() {
    for (EmulatedDevice device : devices) {
      assertThat(device.live()).isEmpty();
    }
  }
}
