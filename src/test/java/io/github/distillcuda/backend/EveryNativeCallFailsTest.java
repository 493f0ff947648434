package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.backend.reference.TinyStep;
import io.github.distillcuda.cuda.dnn.ConvolutionPlan;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaConstants;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Two steps of distillation, three times for each call to the driver, cuDNN, cuBLAS and cublasLt on
 * the way, which fails in that one, as an unknown error, without memory, and for good: the failure
 * reaches the caller as one that ends with a documented exit code, and whatever was made is ended,
 * once.
 *
 * <p>The device does no work here: what is computed is another test's business.
 */
class EveryNativeCallFailsTest {
  /** What is recorded; between them they make every kind of call. */
  enum Recorded {
    MEASURED_LIBRARY_LAYERS(Kernels.UNFUSED, Layers.CUDNN, false),
    FUSED_LAYERS(Kernels.FUSED, Layers.FUSED, true),
    DEFAULT(Kernels.FUSED, Layers.CUDNN, true, Precision.TF32),
    BFLOAT16(Kernels.FUSED, Layers.CUDNN, true, Precision.BF16);

    private final BackendOptions options;

    Recorded(Kernels kernels, Layers layers, boolean deterministic) {
      this(kernels, layers, deterministic, Precision.FP32);
    }

    Recorded(Kernels kernels, Layers layers, boolean deterministic, Precision precision) {
      options = new BackendOptions(0, deterministic, kernels, layers, precision, Engine.AUTO);
    }
  }

  private static final int IMAGES = 8;
  private static final int BATCH = 4;
  private static final LossSpec LOSS = new LossSpec(5, 0.7);

  /** Where there is no room to measure algorithms in, they are chosen by rule. */
  private static final String MEASURING =
      "cuMemAlloc_v2(0x%x)".formatted(ConvolutionPlan.MEASURED_WORKSPACE);

  private static EmulatedDevice newDevice() {
    return new EmulatedDevice().withoutWork();
  }

  /** Two steps of a student with its teacher beside it. */
  private static void train(EmulatedDevice device, BackendOptions options) {
    try (Backend backend = new CudaBackend(EmulatedEngine.of(device), 0, options)) {
      ResidentDataset data = TinyStep.data(backend, IMAGES);
      StepState state = backend.createState();
      ParameterArena teacher = network(backend, 2, false);
      ParameterArena student = network(backend, 1, true);
      StepProgram step = TinyStep.train(backend, BATCH, data, state, student, LOSS, null, teacher);
      state.beginEpoch(IntStream.range(0, IMAGES).toArray());
      step.run(2);
      state.read();
      student.values().getFirst().read(new float[2 * 9]);
    }
  }

  /** Few layers, since each is recorded nine times over. */
  private static ParameterArena network(Backend backend, int width, boolean trainable) {
    ConvolutionSpec first = new ConvolutionSpec("conv", 2, 8, 8, width);
    LinearSpec last = new LinearSpec("fc", first.outputShape(), TinyStep.CLASSES, false);
    return backend.createParameters(List.of(first, last), BATCH, trainable);
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
  void everythingIsEndedAndTheExitCodeSaysWhy(Recorded recorded, TestReporter reporter) {
    int calls = countCalls(recorded, reporter);
    for (int k = 0; k < calls; k++) {
      requireCleanEnd(recorded, k, 999, ExitCode.DEVICE);
      requireCleanEnd(recorded, k, CudaConstants.CUDA_ERROR_OUT_OF_MEMORY, ExitCode.DEVICE_MEMORY);
      requireNothingFollows(recorded, k);
    }
  }

  private static void requireCleanEnd(Recorded recorded, int k, int result, ExitCode exitCode) {
    EmulatedDevice device = newDevice();
    device.failCall(k, result);
    Throwable failure = failureOf(device, recorded);
    String what = "call %d, %s".formatted(k, device.call(k));
    if (exitCode == ExitCode.DEVICE_MEMORY && device.call(k).equals(MEASURING)) {
      assertThat(failure).as(what).isNull();
    } else {
      requireExitCode(failure, exitCode, what);
      assertThat(failure.getMessage().lines()).as(what).hasSize(1);
    }
    assertThat(device.live()).as("alive after " + what).isEmpty();
  }

  /** Libraries do not say that the GPU is lost; the driver does, and is not called again then. */
  private static void requireNothingFollows(Recorded recorded, int k) {
    EmulatedDevice device = newDevice();
    device.failCall(k, CudaConstants.CUDA_ERROR_LAUNCH_FAILED);
    Throwable failure = failureOf(device, recorded);
    String call = device.call(k);
    String what = "call %d, %s".formatted(k, call);
    requireExitCode(failure, ExitCode.DEVICE, what);
    if (!call.startsWith("cudnn") && !call.startsWith("cublas")) {
      assertThat(device.callCount()).as("calls after " + what).isEqualTo(k + 1);
    }
  }

  private static void requireExitCode(Throwable failure, ExitCode exitCode, String what) {
    assertThat(failure)
        .as(what)
        .isInstanceOfSatisfying(
            DistillException.class,
            e -> assertThat(e.exitCode()).as(what + ": " + e.getMessage()).isEqualTo(exitCode));
  }
}
