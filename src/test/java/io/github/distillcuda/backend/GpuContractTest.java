package io.github.distillcuda.backend;

import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.gpu.OnGpu;
import java.util.Locale;
import org.junit.jupiter.api.Nested;

/**
 * The CUDA backend on a GPU in float32, in all its four combinations of loss and layers, and in
 * TF32 and bfloat16.
 */
@OnGpu
class GpuContractTest {
  /** Which binding of the libraries: auto, panama or jcuda. */
  private static final Engine ENGINE =
      Engine.valueOf(System.getProperty("distill.engine", "auto").toUpperCase(Locale.ROOT));

  /** Opens the first GPU as a user's {@code --device cuda} does. */
  static Backend open(Kernels kernels, Layers layers, boolean deterministic) {
    return open(new BackendOptions(0, deterministic, kernels, layers, Precision.FP32, ENGINE));
  }

  private static Backend open(BackendOptions options) {
    return Backends.select(new DeviceRequest.Cuda(0), options, line -> {});
  }

  abstract static class OnDevice extends BackendContractTest {
    private final Kernels kernels;
    private final Layers layers;

    OnDevice(Kernels kernels, Layers layers) {
      super(kernels == Kernels.FUSED ? ContractTolerances.CUDA : ContractTolerances.CUDA_UNFUSED);
      this.kernels = kernels;
      this.layers = layers;
    }

    @Override
    Backend open(BackendOptions options) {
      return GpuContractTest.open(kernels, layers, options.deterministic());
    }
  }

  @Nested
  class FusedLossAndLibraryLayers extends OnDevice implements RealLayerContract {
    FusedLossAndLibraryLayers() {
      super(Kernels.FUSED, Layers.CUDNN);
    }
  }

  @Nested
  class FusedLossAndLayers extends OnDevice implements RealLayerContract {
    FusedLossAndLayers() {
      super(Kernels.FUSED, Layers.FUSED);
    }
  }

  @Nested
  class UnfusedLossAndLibraryLayers extends OnDevice {
    UnfusedLossAndLibraryLayers() {
      super(Kernels.UNFUSED, Layers.CUDNN);
    }
  }

  @Nested
  class UnfusedLossAndFusedLayers extends OnDevice {
    UnfusedLossAndFusedLayers() {
      super(Kernels.UNFUSED, Layers.FUSED);
    }
  }

  abstract static class InBfloat16 extends BackendContractTest implements Bfloat16Contract {
    private final Layers layers;

    InBfloat16(Layers layers) {
      super(ContractTolerances.CUDA_BF16);
      this.layers = layers;
    }

    @Override
    Backend open(BackendOptions options) {
      return GpuContractTest.open(
          new BackendOptions(
              0, options.deterministic(), Kernels.FUSED, layers, Precision.BF16, ENGINE));
    }
  }

  @Nested
  class LibraryLayersInBfloat16 extends InBfloat16 {
    LibraryLayersInBfloat16() {
      super(Layers.CUDNN);
    }
  }

  @Nested
  class FusedLayersInBfloat16 extends InBfloat16 {
    FusedLayersInBfloat16() {
      super(Layers.FUSED);
    }
  }

  abstract static class InTf32 extends BackendContractTest implements Tf32Contract {
    private final Layers layers;

    InTf32(Layers layers) {
      super(ContractTolerances.CUDA_TF32);
      this.layers = layers;
    }

    @Override
    Backend open(BackendOptions options) {
      return GpuContractTest.open(
          new BackendOptions(
              0, options.deterministic(), Kernels.FUSED, layers, Precision.TF32, ENGINE));
    }
  }

  @Nested
  class LibraryLayersInTf32 extends InTf32 {
    LibraryLayersInTf32() {
      super(Layers.CUDNN);
    }
  }

  @Nested
  class FusedLayersInTf32 extends InTf32 {
    FusedLayersInTf32() {
      super(Layers.FUSED);
    }
  }
}
