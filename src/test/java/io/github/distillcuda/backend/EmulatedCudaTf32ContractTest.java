package io.github.distillcuda.backend;

import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The CUDA backend in TF32, on an emulated device that does everything as late and as far out of
 * order as a device may.
 */
@Execution(ExecutionMode.CONCURRENT)
class EmulatedCudaTf32ContractTest {
  abstract static class Emulated extends EmulatedCudaContractTest.Emulated
      implements RealLayerContract, Tf32Contract {
    Emulated(Layers layers, ContractTolerances tolerances) {
      super(
          new EmulatedDevice().workLate().replaying(ExecutionOrder.REVERSE),
          Kernels.FUSED,
          layers,
          Precision.TF32,
          tolerances);
    }
  }

  @Nested
  class LibraryLayers extends Emulated {
    LibraryLayers() {
      super(Layers.CUDNN, ContractTolerances.CUDA_TF32_CUDNN);
    }
  }

  @Nested
  class FusedLayers extends Emulated {
    FusedLayers() {
      super(Layers.FUSED, ContractTolerances.CUDA_TF32);
    }
  }
}
