package io.github.distillcuda.backend;

import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.gpu.OnGpu;
import org.junit.jupiter.api.Nested;

/** Whole training steps on a GPU in float32 against PyTorch in float64. */
@OnGpu
class GpuTrajectoryTest {
  abstract static class OnDevice extends BackendTrajectoryTest {
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

    @Override
    int steps() {
      return 20;
    }

    /** As in oneDNN: float32 rounds, and Adam's first steps make much of it. */
    @Override
    double lossTolerance(int step) {
      return step <= 5 ? 2e-6 : 1e-5;
    }
  }

  @Nested
  class FusedLossAndLibraryLayers extends OnDevice {
    FusedLossAndLibraryLayers() {
      super(Kernels.FUSED, Layers.CUDNN);
    }
  }

  @Nested
  class FusedLossAndLayers extends OnDevice {
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
  class EagerLossAndLibraryLayers extends OnDevice {
    EagerLossAndLibraryLayers() {
      super(Kernels.EAGER, Layers.CUDNN);
    }
  }
}
