package io.github.distillcuda.backend;

import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.cuda.CudaBackend;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.EmulatedEngine;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * What {@link EmulatedCudaTf32ContractTest} asks of products, of libraries whose tensor cores cut
 * float32 down to TF32 instead of rounding it: no documentation of cuDNN or cuBLAS says which of
 * the two they do.
 */
@Execution(ExecutionMode.CONCURRENT)
class EmulatedCudaTruncatedTf32Test extends BackendFixture implements LayerContract, Tf32Contract {
  EmulatedCudaTruncatedTf32Test() {
    super(ContractTolerances.CUDA_TF32_CUDNN);
  }

  @Override
  Backend open(BackendOptions options) {
    return new CudaBackend(
        EmulatedEngine.of(new EmulatedDevice().truncatingFactors()),
        0,
        new BackendOptions(
            0, options.deterministic(), Kernels.FUSED, Layers.CUDNN, Precision.TF32, Engine.AUTO));
  }
}
