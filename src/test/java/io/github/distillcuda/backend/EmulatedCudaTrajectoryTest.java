package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The trajectory on an emulated device that does everything as late and as far out of order as a
 * device may: whoever forgets to wait, or to say what follows what, meets another number.
 */
@Execution(ExecutionMode.CONCURRENT)
class EmulatedCudaTrajectoryTest {
  abstract static class Emulated extends BackendTrajectoryTest {
    private final EmulatedDevice device =
        new EmulatedDevice().workLate().replaying(ExecutionOrder.REVERSE);
    private final Kernels kernels;
    private final Layers layers;

    Emulated(Kernels kernels, Layers layers) {
      super(kernels == Kernels.FUSED ? ContractTolerances.CUDA : ContractTolerances.CUDA_UNFUSED);
      this.kernels = kernels;
      this.layers = layers;
    }

    @Override
    Backend open(BackendOptions options) {
      return new CudaBackend(
          EmulatedEngine.of(device),
          0,
          new BackendOptions(
              0, options.deterministic(), kernels, layers, Precision.FP32, Engine.AUTO));
    }

    @Override
    void closeBackend() {
      super.closeBackend();
      assertThat(device.live()).isEmpty();
    }

    /** Into the second step of the second epoch, over the tail. */
    @Override
    int steps() {
      return GoldenTraining.EPOCH + 2;
    }

    /** As in oneDNN: float32 rounds, and Adam's first steps make much of it. */
    @Override
    double lossTolerance(int step) {
      return step <= 5 ? 2e-6 : 1e-5;
    }
  }

  @Nested
  class FusedLossAndLibraryLayers extends Emulated {
    FusedLossAndLibraryLayers() {
      super(Kernels.FUSED, Layers.CUDNN);
    }
  }

  @Nested
  class FusedLossAndLayers extends Emulated {
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
  class EagerLossAndLibraryLayers extends Emulated {
    EagerLossAndLibraryLayers() {
      super(Kernels.EAGER, Layers.CUDNN);
    }
  }
}
