package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The CUDA backend on an emulated device, in all combinations of loss and layers but the eager loss
 * with fused layers.
 */
@Execution(ExecutionMode.CONCURRENT)
class EmulatedCudaContractTest {
  /** The suite, with everything freed at its end. */
  abstract static class Emulated extends BackendContractTest {
    private final EmulatedDevice device;
    private final Kernels kernels;
    private final Layers layers;
    private final Precision precision;

    Emulated(Kernels kernels, Layers layers) {
      this(
          new EmulatedDevice(),
          kernels,
          layers,
          Precision.FP32,
          kernels == Kernels.FUSED ? ContractTolerances.CUDA : ContractTolerances.CUDA_UNFUSED);
    }

    Emulated(
        EmulatedDevice device,
        Kernels kernels,
        Layers layers,
        Precision precision,
        ContractTolerances tolerances) {
      super(tolerances);
      this.device = device;
      this.kernels = kernels;
      this.layers = layers;
      this.precision = precision;
    }

    @Override
    Backend open(BackendOptions options) {
      return new CudaBackend(
          EmulatedEngine.of(device),
          0,
          new BackendOptions(0, options.deterministic(), kernels, layers, precision, Engine.AUTO));
    }

    @Override
    @AfterEach
    void closeBackends() {
      super.closeBackends();
      assertThat(device.live()).isEmpty();
      assertThat(device.allocatedBytes()).isZero();
    }
  }

  @Nested
  class FusedLossAndLibraryLayers extends Emulated implements RealLayerContract {
    FusedLossAndLibraryLayers() {
      super(Kernels.FUSED, Layers.CUDNN);
    }
  }

  @Nested
  class FusedLossAndLayers extends Emulated implements RealLayerContract {
    FusedLossAndLayers() {
      super(Kernels.FUSED, Layers.FUSED);
    }
  }

  @Nested
  class UnfusedLossAndLibraryLayers extends Emulated {
    UnfusedLossAndLibraryLayers() {
      super(Kernels.UNFUSED, Layers.CUDNN);
    }
  }

  @Nested
  class UnfusedLossAndFusedLayers extends Emulated {
    UnfusedLossAndFusedLayers() {
      super(Kernels.UNFUSED, Layers.FUSED);
    }
  }

  @Nested
  class EagerLossAndLibraryLayers extends Emulated implements EagerLossContract {
    EagerLossAndLibraryLayers() {
      super(Kernels.EAGER, Layers.CUDNN);
    }
  }
}
