package io.github.distillcuda.backend;

import io.github.distillcuda.backend.BackendOptions.Engine;
import io.github.distillcuda.backend.BackendOptions.Kernels;
import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.BackendOptions.Precision;
import io.github.distillcuda.backend.onednn.OnednnBackend;
import io.github.distillcuda.failure.DistillException;
import org.junit.jupiter.api.Assumptions;

/** Skipped, with what the processor lacks, where there are no products of bfloat16. */
class OnednnBfloat16ContractTest extends BackendContractTest implements Bfloat16Contract {
  OnednnBfloat16ContractTest() {
    super(ContractTolerances.ONEDNN_BF16);
  }

  @Override
  Backend open(BackendOptions options) {
    try {
      return new OnednnBackend(
          new BackendOptions(
              options.threads(),
              options.deterministic(),
              Kernels.FUSED,
              Layers.CUDNN,
              Precision.BF16,
              Engine.AUTO));
    } catch (DistillException e) {
      System.out.println("skipped: " + e.getMessage());
      return Assumptions.abort(e.getMessage());
    }
  }
}
