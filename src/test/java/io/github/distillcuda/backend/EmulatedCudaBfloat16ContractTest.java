package io.github.distillcuda.backend;

import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;

/** The CUDA backend in bfloat16 on an emulated device. */
class EmulatedCudaBfloat16ContractTest extends EmulatedCudaContractTest.Emulated
    implements Bfloat16Contract {
  EmulatedCudaBfloat16ContractTest() {
    super(Kernels.FUSED, Layers.CUDNN, Precision.BF16, ContractTolerances.CUDA_BF16);
  }
}
