package io.github.distillcuda.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.distillcuda.cuda.kernels.AdamKernels;
import io.github.distillcuda.cuda.kernels.GatherKernels;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.ReductionKernels;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.NativeException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which PTX is loaded, and what is said where none is. */
class CudaModuleTest {
  private static final KernelSignature KERNEL = ReductionKernels.ADVANCE;
  private static final List<PtxImage> IMAGES = List.of(image(75), image(90), image(80));

  private final EmulatedDevice device = new EmulatedDevice();
  private final CudaDriverApi driver = device.driver();

  private static PtxImage image(int target) {
    return PtxImage.of(
        "compute_" + target + "/step.ptx",
        """
        // a comment about .target sm_100
        .version 7.0
        .target sm_%d
        .address_size 64
        .visible .entry %s()
        {
          ret;
        }
        """
            .formatted(target, KERNEL.symbol()));
  }

  @AfterEach
  void everythingIsFreed() {
    assertThat(device.live()).isEmpty();
  }

  @Test
  void theNewestThatTheGpuTakesIsLoadedAlone() {
    device.withComputeCapability(89);
    try (CudaContext context = CudaContext.open(driver, 0);
        CudaModule module = CudaModule.load(context, "step.ptx", IMAGES, List.of(KERNEL))) {
      assertThat(module.function(KERNEL).signature()).isSameAs(KERNEL);
      assertThat(device.loadedTargets()).containsExactly(80);
      assertThat(device.functions()).containsOnlyOnce("cuModuleLoadDataEx");
    }
  }

  @Test
  void anOlderOneIsLoadedWhereTheDriverRefusesTheNewest() {
    for (int refusal :
        new int[] {
          CudaConstants.CUDA_ERROR_NO_BINARY_FOR_GPU,
          CudaConstants.CUDA_ERROR_INVALID_PTX,
          CudaConstants.CUDA_ERROR_UNSUPPORTED_PTX_VERSION
        }) {
      EmulatedDevice older = new EmulatedDevice().refusing(90, refusal);
      try (CudaContext context = CudaContext.open(older.driver(), 0);
          CudaModule module = CudaModule.load(context, "step.ptx", IMAGES, List.of(KERNEL))) {
        assertThat(older.loadedTargets()).containsExactly(80);
        assertThat(module.function(KERNEL)).isNotNull();
      }
      assertThat(older.live()).isEmpty();
    }
  }

  @Test
  void whatTheCompilerSaidIsInTheFailure() {
    device.withComputeCapability(80);
    device.refusing(80, 222).refusing(75, 218);
    try (CudaContext context = CudaContext.open(driver, 0)) {
      assertThatExceptionOfType(DistillException.class)
          .isThrownBy(() -> CudaModule.load(context, "step.ptx", IMAGES, List.of(KERNEL)))
          .withMessageMatching(
              "the kernels of step.ptx do not run on cuda:0 Emulated GPU .*: "
                  + "compute_90/step.ptx is for compute capability 9.0 and later; "
                  + "compute_80/step.ptx: cuModuleLoadDataEx.*\\(222\\).* line 1: .*; line 2: .*; "
                  + "compute_75/step.ptx: cuModuleLoadDataEx.*\\(218\\).*; "
                  + "use a newer driver or GPU")
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE));
    }
  }

  @Test
  void anotherFailureIsNoReasonToTryOlderOnes() {
    device.refusing(90, CudaConstants.CUDA_ERROR_OUT_OF_MEMORY);
    try (CudaContext context = CudaContext.open(driver, 0)) {
      assertThatExceptionOfType(NativeException.class)
          .isThrownBy(() -> CudaModule.load(context, "step.ptx", IMAGES, List.of(KERNEL)))
          .withMessageEndingWith("; the kernels to load were compute_90/step.ptx")
          .satisfies(e -> assertThat(e.code()).isEqualTo(2))
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE_MEMORY));
      assertThat(device.loadedTargets()).isEmpty();
    }
  }

  @Test
  void aMissingKernelIsFoundOutAtLoad() {
    try (CudaContext context = CudaContext.open(driver, 0)) {
      assertThatExceptionOfType(NativeException.class)
          .isThrownBy(
              () -> CudaModule.load(context, "step.ptx", IMAGES, List.of(KERNEL, AdamKernels.ADAM)))
          .withMessageContaining("cuModuleGetFunction")
          .withMessageContaining(AdamKernels.ADAM.symbol());
    }
    assertThat(device.live()).isEmpty();
  }

  @Test
  void theCommittedKernelsAreLoadedAFileAModule() {
    try (CudaContext context = CudaContext.open(driver, 0);
        KernelLibrary library = KernelLibrary.load(context, KernelCatalog.all())) {
      for (KernelSignature kernel : KernelCatalog.all()) {
        assertThat(library.function(kernel).signature()).isSameAs(kernel);
      }
      long files = KernelCatalog.all().stream().map(KernelSignature::ptx).distinct().count();
      assertThat(device.loadedTargets()).hasSize((int) files);
    }
  }

  @Test
  void kernelsForBfloat16NeedAnAmpere() {
    device.withComputeCapability(75);
    try (CudaContext context = CudaContext.open(driver, 0)) {
      KernelLibrary.load(context, List.of(GatherKernels.NCHW_FLOAT32)).close();
      assertThatExceptionOfType(DistillException.class)
          .isThrownBy(() -> KernelLibrary.load(context, List.of(GatherKernels.NHWC_BFLOAT16)))
          .withMessageContaining("is for compute capability 8.0 and later");
    }
  }

  @Test
  void whatWasNotLoadedIsNotThere() {
    try (CudaContext context = CudaContext.open(driver, 0)) {
      KernelLibrary library = KernelLibrary.load(context, List.of(KERNEL));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> library.function(AdamKernels.ADAM))
          .withMessage("adam_fused_f32_v2 was not loaded");
      KernelFunction function = library.function(KERNEL);
      library.close();
      assertThatIllegalStateException()
          .isThrownBy(() -> function.prepare(KernelSizes.of("rows", 1, "optimizerSteps", 1)))
          .withMessage("CudaModule reduction.ptx is closed");
    }
  }
}
