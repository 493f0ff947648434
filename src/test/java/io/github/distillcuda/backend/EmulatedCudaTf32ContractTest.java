package io.github.distillcuda.backend;

import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.machine.ExecutionOrder;

/**
 * The CUDA backend in TF32 with layers of its own, some of them on tensor cores, on an emulated
 * device that does everything as late and as far out of order as a device may.
 */
class EmulatedCudaTf32ContractTest extends EmulatedCudaContractTest.Emulated
    implements Tf32Contract {
  EmulatedCudaTf32ContractTest() {
    super(
        new EmulatedDevice().workLate().replaying(ExecutionOrder.REVERSE),
        Kernels.FUSED,
        Layers.FUSED,
        Precision.TF32,
        ContractTolerances.CUDA_TF32);
  }
}
