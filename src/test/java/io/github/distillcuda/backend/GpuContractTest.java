package io.github.distillcuda.backend;

import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.gpu.NeedsComputeCapability;
import io.github.distillcuda.gpu.OnGpu;
import java.util.Locale;
import org.junit.jupiter.api.Nested;

/**
 * The CUDA backend on a GPU in float32, in all combinations of loss and layers but the eager loss
 * with fused layers, and in TF32 and bfloat16.
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
    return new Backends().select(new DeviceRequest.Cuda(0), options, line -> {});
  }

  abstract static class OnDevice extends BackendContractTest {
    private final Kernels kernels;
    private final Layers layers;
    private final Precision precision;

    OnDevice(Kernels kernels, Layers layers) {
      this(
          kernels,
          layers,
          Precision.FP32,
          kernels == Kernels.FUSED ? ContractTolerances.CUDA : ContractTolerances.CUDA_UNFUSED);
    }

    OnDevice(Kernels kernels, Layers layers, Precision precision, ContractTolerances tolerances) {
      super(tolerances);
      this.kernels = kernels;
      this.layers = layers;
      this.precision = precision;
    }

    @Override
    Backend open(BackendOptions options) {
      return GpuContractTest.open(
          new BackendOptions(0, options.deterministic(), kernels, layers, precision, ENGINE));
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

  @Nested
  class EagerLossAndLibraryLayers extends OnDevice implements EagerLossContract {
    EagerLossAndLibraryLayers() {
      super(Kernels.EAGER, Layers.CUDNN);
    }
  }

  @Nested
  @NeedsComputeCapability(80)
  class LibraryLayersInBfloat16 extends OnDevice implements Bfloat16Contract {
    LibraryLayersInBfloat16() {
      super(Kernels.FUSED, Layers.CUDNN, Precision.BF16, ContractTolerances.CUDA_BF16);
    }
  }

  @Nested
  @NeedsComputeCapability(80)
  class FusedLayersInBfloat16 extends OnDevice implements Bfloat16Contract {
    FusedLayersInBfloat16() {
      super(Kernels.FUSED, Layers.FUSED, Precision.BF16, ContractTolerances.CUDA_BF16);
    }
  }

  @Nested
  @NeedsComputeCapability(80)
  class LibraryLayersInTf32 extends OnDevice implements RealLayerContract, Tf32Contract {
    LibraryLayersInTf32() {
      super(Kernels.FUSED, Layers.CUDNN, Precision.TF32, ContractTolerances.CUDA_TF32_CUDNN);
    }
  }

  @Nested
  @NeedsComputeCapability(80)
  class FusedLayersInTf32 extends OnDevice implements RealLayerContract, Tf32Contract {
    FusedLayersInTf32() {
      super(Kernels.FUSED, Layers.FUSED, Precision.TF32, ContractTolerances.CUDA_TF32);
    }
  }
}
