package io.github.distillcuda.cli;

import io.github.distillcuda.backend.BackendOptions.Kernels;
import picocli.CommandLine.Option;

/** Which device computes, and how, for commands that compute the loss. */
final class TrainingDeviceOptions extends DeviceOptions {
  @Option(
      names = "--kernels",
      paramLabel = "KIND",
      defaultValue = "fused",
      description = "distillation loss: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
  Kernels kernels;

  @Override
  Kernels kernels() {
    return kernels;
  }
}
