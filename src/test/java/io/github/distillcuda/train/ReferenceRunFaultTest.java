package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.reference.ReferenceBackend;

class ReferenceRunFaultTest extends RunFaultContract {
  @Override
  Backend open() {
    return new ReferenceBackend(BackendOptions.DEFAULT);
  }

  @Override
  boolean resumes() {
    return false;
  }
}
