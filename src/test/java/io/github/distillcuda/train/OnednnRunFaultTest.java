package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.onednn.OnednnBackend;

class OnednnRunFaultTest extends RunFaultContract {
  @Override
  Backend open() {
    return new OnednnBackend(new BackendOptions(1, true));
  }
}
