package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.backend.reference.TinyStep;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaConstants;
import java.util.stream.IntStream;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A teacher's logits and two steps of distillation, once for each call to the driver, cuDNN, cuBLAS
 * and cublasLt on the way, which fails in that one: the failure reaches the caller as one that ends
 * with a documented exit code, and whatever was made is ended, once.
 *
 * <p>The device does no work here: what is computed is another test's business.
 */
class EveryNativeCallFailsTest {
  /** What is recorded; between them they make every kind of call. */
  enum Recorded {
    LIBRARY_LAYERS(Kernels.UNFUSED, Layers.CUDNN, true),
    FUSED_LAYERS(Kernels.FUSED, Layers.FUSED, true),
    MEASURED_ALGORITHMS(Kernels.FUSED, Layers.CUDNN, false);

    private final BackendOptions options;

    Recorded(Kernels kernels, Layers layers, boolean deterministic) {
      options = new BackendOptions(0, deterministic, kernels, layers, Precision.FP32, Engine.AUTO);
    }
  }

  private static final int IMAGES = 8;
  private static final int BATCH = 4;
  private static final LossSpec LOSS = new LossSpec(5, 0.7);

  private static EmulatedDevice newDevice() {
    return new EmulatedDevice().withoutWork();
  }

  /** Two steps with a teacher beside the student, and two with its logits from the cache. */
  private static void train(EmulatedDevice device, BackendOptions options) {
    try (Backend backend = new CudaBackend(EmulatedEngine.of(device), 0, options)) {
      ResidentDataset data = TinyStep.data(backend, IMAGES);
      StepState state = backend.createState();
      ParameterArena teacher = TinyStep.parameters(backend, 3, false, 1);
      ParameterArena student = TinyStep.parameters(backend, 2, true, 2);
      LogitsTable cache = backend.createLogitsTable(IMAGES, TinyStep.CLASSES);
      int[] order = IntStream.range(0, IMAGES).toArray();
      state.beginEpoch(order);
      TinyStep.evaluate(backend, BATCH, data, state, teacher, cache).run(IMAGES / BATCH);
      state.beginEpoch(order);
      TinyStep.train(backend, BATCH, data, state, student, LOSS, cache, null).run(2);
      state.read();
      state.beginEpoch(order);
      TinyStep.train(backend, BATCH, data, state, student, LOSS, null, teacher).run(2);
      state.read();
      student.values().getFirst().read(new float[2 * 2 * 9]);
    }
  }

  private static int countCalls(Recorded recorded, TestReporter reporter) {
    EmulatedDevice device = newDevice();
    train(device, recorded.options);
    assertThat(device.live()).isEmpty();
    reporter.publishEntry("calls made to fail, " + recorded, "" + device.callCount());
    return device.callCount();
  }

  private static Throwable failureOf(EmulatedDevice device, Recorded recorded) {
    try {
      train(device, recorded.options);
      return null;
    } catch (RuntimeException e) {
      return e;
    }
  }

  @ParameterizedTest
  @EnumSource
  void everythingIsEndedAndTheExitCodeSaysTheDeviceFailed(
      Recorded recorded, TestReporter reporter) {
    int calls = countCalls(recorded, reporter);
    for (int k = 0; k < calls; k++) {
      requireCleanEnd(recorded, k, 999, ExitCode.DEVICE);
    }
  }

  @ParameterizedTest
  @EnumSource
  void everythingIsEndedAndTheExitCodeSaysThereIsNoRoom(Recorded recorded, TestReporter reporter) {
    int calls = countCalls(recorded, reporter);
    for (int k = 0; k < calls; k++) {
      requireCleanEnd(recorded, k, CudaConstants.CUDA_ERROR_OUT_OF_MEMORY, ExitCode.DEVICE_MEMORY);
    }
  }

  private static void requireCleanEnd(Recorded recorded, int k, int result, ExitCode exitCode) {
    EmulatedDevice device = newDevice();
    device.failCall(k, result);
    Throwable failure = failureOf(device, recorded);
    String what = "call %d, %s".formatted(k, device.calls().get(k));
    assertThat(failure)
        .as(what)
        .isInstanceOfSatisfying(
            DistillException.class,
            e -> assertThat(e.exitCode()).as(what + ": " + e.getMessage()).isEqualTo(exitCode));
    assertThat(failure.getMessage().lines()).as(what).hasSize(1);
    assertThat(device.live()).as("alive after " + what).isEmpty();
    assertThat(device.allocatedBytes()).as("bytes after " + what).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void noCallFollowsTheLossOfTheGpu(Recorded recorded, TestReporter reporter) {
    int calls = countCalls(recorded, reporter);
    for (int k = 0; k < calls; k++) {
      EmulatedDevice device = newDevice();
      device.failCall(k, CudaConstants.CUDA_ERROR_LAUNCH_FAILED);
      Throwable failure = failureOf(device, recorded);
      String call = device.calls().get(k);
      String what = "call %d, %s".formatted(k, call);
      assertThat(failure)
          .as(what)
          .isInstanceOfSatisfying(
              DistillException.class,
              e -> assertThat(e.exitCode()).as(what).isEqualTo(ExitCode.DEVICE));
      if (call.startsWith("cu") && !call.startsWith("cudnn") && !call.startsWith("cublas")) {
        assertThat(device.callCount()).as("calls after " + what).isEqualTo(k + 1);
      }
    }
  }
}
