package io.github.distillcuda.backend;

import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.machine.ExecutionOrder;

/**
 * The CUDA backend in bfloat16, on an emulated device that does everything as late and as far out
 * of order as a device may.
 */
class EmulatedCudaBfloat16ContractTest extends EmulatedCudaContractTest.Emulated
    implements Bfloat16Contract {
  EmulatedCudaBfloat16ContractTest() {
    super(
        new EmulatedDevice().workLate().replaying(ExecutionOrder.REVERSE),
        Kernels.FUSED,
        Layers.CUDNN,
        Precision.BF16,
        ContractTolerances.CUDA_BF16);
  }
}
