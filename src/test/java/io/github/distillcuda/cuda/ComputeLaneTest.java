package io.github.distillcuda.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedCublas;
import io.github.distillcuda.emulator.library.EmulatedCudnn;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.emulator.library.Intercepted;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CublasApi;
import io.github.distillcuda.ffi.NativeException;
import java.util.function.ToLongFunction;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The handles of a lane. */
class ComputeLaneTest {
  /** A library's handle, and the calls that make it what plans may use. */
  enum Handle {
    CUDNN(ComputeLane::cudnn, "cudnnCreate", "cudnnSetStream"),
    CUBLAS(
        ComputeLane::cublas,
        "cuMemAlloc_v2",
        "cublasCreate_v2",
        "cublasSetStream_v2",
        "cublasSetWorkspace_v2",
        "cublasSetMathMode"),
    CUBLASLT(ComputeLane::cublasLt, "cublasLtCreate", "cuMemAlloc_v2");

    private final ToLongFunction<ComputeLane> of;
    private final String[] calls;

    Handle(ToLongFunction<ComputeLane> of, String... calls) {
      this.of = of;
      this.calls = calls;
    }
  }

  /** Whoever goes on after a failure gets a handle that is made from the start. */
  @ParameterizedTest
  @EnumSource
  void aHandleThatCouldNotBeSetIsNotHandedOut(Handle handle) {
    for (String failing : handle.calls) {
      EmulatedDevice device = new EmulatedDevice();
      try (CudaContext context = CudaContext.open(device.driver(), 0);
          ComputeLane lane =
              ComputeLane.open(context, EmulatedEngine.of(device), MathMode.FP32, "main")) {
        device.failNext(failing, 999);
        assertThatExceptionOfType(DistillException.class)
            .isThrownBy(() -> handle.of.applyAsLong(lane))
            .withMessageContaining(failing);
        int calls = device.callCount();
        long made = handle.of.applyAsLong(lane);
        assertThat(device.functions().subList(calls, device.callCount()))
            .as(failing)
            .containsExactly(handle.calls);
        assertThat(handle.of.applyAsLong(lane)).isEqualTo(made);
      }
      assertThat(device.live()).isEmpty();
    }
  }

  /** A library without room says that it is not initialised, as another failure would. */
  @ParameterizedTest
  @CsvSource({
    "100, DEVICE_MEMORY, 'GPU memory: cuBLAS of main needs perhaps 256 MiB, 100 MiB of '",
    "300, DEVICE, cublasCreate_v2() failed: CUBLAS_STATUS_NOT_INITIALIZED (1)"
  })
  void aLibraryThatIsNotInitialisedMayLackMemory(long free, ExitCode exitCode, String says) {
    EmulatedDevice device = new EmulatedDevice();
    CublasApi uninitialised =
        Intercepted.before(
            CublasApi.class,
            EmulatedCublas.on(device),
            "cublasCreate_v2",
            () -> {
              throw new NativeException(
                  "cublasCreate_v2()", "CUBLAS_STATUS_NOT_INITIALIZED", 1, "says the test");
            });
    CudaEngine engine =
        new CudaEngine("test", device.driver(), EmulatedCudnn.on(device), uninitialised, null);
    try (CudaContext context = CudaContext.open(device.driver(), 0);
        ComputeLane lane = ComputeLane.open(context, engine, MathMode.FP32, "main")) {
      device.withFreeBytes((free << 20) + ComputeLane.WORKSPACE_BYTES);
      assertThatExceptionOfType(DistillException.class)
          .isThrownBy(lane::cublas)
          .withMessageStartingWith(says)
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(exitCode));
    }
    assertThat(device.live()).isEmpty();
  }
}
