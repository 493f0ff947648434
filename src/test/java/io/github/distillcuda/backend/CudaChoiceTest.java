package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.distillcuda.cuda.CudaEngine;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.CudaStandIns;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Who computes: CUDA where it is, and what is said where it is not. */
class CudaChoiceTest {
  private static final BackendOptions OPTIONS = BackendOptions.DEFAULT;

  @TempDir Path folder;

  private final List<String> notes = new ArrayList<>();

  private Backend select(DeviceRequest request, Supplier<CudaEngine> panama) {
    return Backends.select(request, OPTIONS, notes::add, panama);
  }

  @Test
  void autoTakesTheGpuThatIsThere() {
    EmulatedDevice device = new EmulatedDevice();
    try (Backend backend = select(new DeviceRequest.Auto(), () -> EmulatedEngine.of(device))) {
      assertThat(backend.info().device())
          .startsWith("cuda:0 Emulated GPU")
          .contains("cuDNN 9.24.0, cuBLAS 13.1.1");
      assertThat(backend.info().precision()).isEqualTo("tf32");
    }
    assertThat(notes).singleElement().asString().startsWith("device: cuda:0 Emulated GPU");
    assertThat(device.live()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"Mac OS X, aarch64", "Windows 11, amd64", "Linux, aarch64"})
  void anotherSystemIsRefusedWithWhatRunsThere(String system, String processor) {
    Backends.requireSupported("Linux", "amd64");
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(() -> Backends.requireSupported(system, processor))
        .withMessage(
            "%s on %s is not supported, Linux on x86_64 is; --device reference runs here, slowly",
            system, processor)
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE));
  }

  @Test
  void anOrdinalBeyondTheGpusIsRefused() {
    EmulatedDevice device = new EmulatedDevice();
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(() -> select(new DeviceRequest.Cuda(2), () -> EmulatedEngine.of(device)))
        .withMessageContaining("no GPU has the number 2: there are 2")
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE));
    assertThat(device.live()).isEmpty();
  }

  /** Before data are opened beside the device; where CUDA is not demanded, nobody is asked. */
  @Test
  void whatIsDemandedAndAbsentIsKnownWithoutOpeningIt() {
    EmulatedDevice device = new EmulatedDevice();
    BackendOptions unfused =
        new BackendOptions(
            0,
            true,
            BackendOptions.Kernels.UNFUSED,
            BackendOptions.Layers.CUDNN,
            BackendOptions.Precision.AUTO,
            BackendOptions.Engine.AUTO);
    Supplier<CudaDriverApi> none =
        () -> {
          throw new DistillException(ExitCode.DEVICE, "no driver");
        };
    Backends.requirePresent(new DeviceRequest.Cuda(0), OPTIONS, device::driver);
    Backends.requirePresent(new DeviceRequest.Auto(), unfused, device::driver);
    Backends.requirePresent(new DeviceRequest.Auto(), OPTIONS, none);
    Backends.requirePresent(new DeviceRequest.Cpu(), OPTIONS, none);
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(
            () -> Backends.requirePresent(new DeviceRequest.Cuda(2), OPTIONS, device::driver))
        .withMessageContaining("--device cuda:2: no GPU has the number 2");
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(() -> Backends.requirePresent(new DeviceRequest.Auto(), unfused, none))
        .withMessageContaining("--kernels unfused needs CUDA: no driver");
    assertThat(device.live()).isEmpty();
  }

  /** What a system may lack, and what has to be said of it. */
  enum Lacking {
    A_DRIVER("no NVIDIA driver", "install driver 525.60.13 or newer"),
    A_GPU("the driver sees no GPU", "nvidia-smi"),
    A_NEW_DRIVER("serves CUDA 11.4", "install driver 525.60.13 or newer"),
    CUDNN("libcudnn.so.9 is missing", "pip install nvidia-cudnn-cu13");

    private final String reason;
    private final String advice;

    Lacking(String reason, String advice) {
      this.reason = reason;
      this.advice = advice;
    }

    private Supplier<CudaEngine> engine(Path folder) {
      CudaStandIns system = new CudaStandIns(folder);
      switch (this) {
        case A_DRIVER -> {}
        case A_GPU -> system.driver(13_000, 100);
        case A_NEW_DRIVER -> system.oldDriver(11_040);
        case CUDNN -> system.driver(13_000, 0);
      }
      return () -> CudaEngine.panama(system.libraries());
    }
  }

  @ParameterizedTest
  @EnumSource
  void autoFallsBackToTheCpuAndSaysWhyInOneLine(Lacking lacking) {
    try (Backend backend = select(new DeviceRequest.Auto(), lacking.engine(folder))) {
      assertThat(backend.info().engine()).isEqualTo("panama");
      assertThat(backend.info().device()).doesNotContain("cuda");
    }
    assertThat(notes)
        .singleElement()
        .asString()
        .contains("not CUDA: ", lacking.reason)
        .satisfies(line -> assertThat(line.lines()).hasSize(1));
  }

  @ParameterizedTest
  @EnumSource
  void anExplicitRequestFailsAndSaysWhatToInstall(Lacking lacking) {
    Supplier<CudaEngine> engine = lacking.engine(folder);
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(() -> select(new DeviceRequest.Cuda(0), engine))
        .withMessageContainingAll("--device cuda:0: ", lacking.reason, lacking.advice)
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE))
        .satisfies(e -> assertThat(e.getMessage().lines()).hasSize(1));
    assertThat(notes).isEmpty();
  }

  /** Kernels are built for compute capability 7.5: on less, the first of them would fail. */
  @Test
  void aGpuThatIsTooOldIsNotTaken() {
    EmulatedDevice volta = new EmulatedDevice().withComputeCapability(70);
    String reason =
        "cuda:%d Emulated GPU has compute capability 7.0: too old, compute capability 7.5 or later"
            + " is needed; use a newer GPU";
    try (Backend backend = select(new DeviceRequest.Auto(), () -> EmulatedEngine.of(volta))) {
      assertThat(backend.info().device()).doesNotContain("cuda");
    }
    assertThat(notes).singleElement().asString().endsWith("not CUDA: " + reason.formatted(0));
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(() -> select(new DeviceRequest.Cuda(1), () -> EmulatedEngine.of(volta)))
        .withMessage("--device cuda:1: %s; or use --device cpu", reason.formatted(1))
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE));
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(
            () -> Backends.requirePresent(new DeviceRequest.Cuda(1), OPTIONS, volta::driver))
        .withMessage("--device cuda:1: %s; or use --device cpu", reason.formatted(1));
    assertThat(volta.live()).isEmpty();
    EmulatedDevice turing = new EmulatedDevice().withComputeCapability(75);
    select(new DeviceRequest.Cuda(0), () -> EmulatedEngine.of(turing)).close();
  }

  /** A library that is there and does not work is as good as none, to auto. */
  @Test
  void autoFallsBackWhereALibraryDoesNotStart() {
    EmulatedDevice device = new EmulatedDevice();
    EmulatedDevice counting = new EmulatedDevice();
    select(new DeviceRequest.Cuda(0), () -> EmulatedEngine.of(counting)).close();
    device.failCall(counting.functions().indexOf("cuStreamCreateWithPriority"), 999);
    try (Backend backend = select(new DeviceRequest.Auto(), () -> EmulatedEngine.of(device))) {
      assertThat(backend.info().device()).doesNotContain("cuda");
    }
    assertThat(notes).singleElement().asString().contains("cuStreamCreateWithPriority");
    assertThat(device.live()).isEmpty();
  }
}
