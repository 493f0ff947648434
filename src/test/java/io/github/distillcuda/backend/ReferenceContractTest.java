package io.github.distillcuda.backend;

import io.github.distillcuda.backend.reference.ReferenceBackend;

class ReferenceContractTest extends BackendContractTest {
  ReferenceContractTest() {
    super(ContractTolerances.REFERENCE);
  }

  @Override
  Backend open(BackendOptions options) {
    return new ReferenceBackend(options);
  }
}
