package io.github.distillcuda.backend;

import io.github.distillcuda.backend.onednn.OnednnBackend;

class OnednnContractTest extends BackendContractTest implements RealLayerContract {
  OnednnContractTest() {
    super(ContractTolerances.ONEDNN);
  }

  @Override
  Backend open(BackendOptions options) {
    return new OnednnBackend(options);
  }
}
