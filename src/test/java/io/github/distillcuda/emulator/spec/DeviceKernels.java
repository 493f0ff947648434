package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.CudaDevice;
import io.github.distillcuda.cuda.KernelFunction;
import io.github.distillcuda.cuda.KernelLibrary;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.gpu.Gpu;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The shipped kernels that a GPU has, with those of their cases that fit it. Others are for newer
 * GPUs, or need a larger cluster or more shared memory than there is.
 */
final class DeviceKernels implements AutoCloseable {
  private final KernelLibrary library;
  private final Map<String, List<KernelCase>> cases = new TreeMap<>();
  private final List<String> absences = new ArrayList<>();

  private DeviceKernels(KernelLibrary library) {
    this.library = library;
  }

  /** Loads them; the caller closes this before the GPU. */
  static DeviceKernels load(Gpu gpu) {
    CudaDevice device = gpu.context().device();
    int capability = device.computeCapability();
    int sharedBytes =
        gpu.context()
            .driver()
            .cuDeviceGetAttribute(
                CudaConstants.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
                device.handle());
    List<KernelSignature> there =
        KernelCatalog.all().stream()
            .filter(kernel -> kernel.computeCapability() <= capability)
            .toList();
    DeviceKernels kernels = new DeviceKernels(KernelLibrary.load(gpu.context(), there));
    KernelSpecs.byKernel()
        .forEach((symbol, cases) -> kernels.add(symbol, cases, capability, sharedBytes));
    return kernels;
  }

  private void add(String symbol, List<KernelCase> all, int capability, int sharedBytes) {
    int needed = all.getFirst().kernel().computeCapability();
    if (needed > capability) {
      absences.add(
          "%s needs compute capability %.1f, there is %.1f"
              .formatted(symbol, needed / 10.0, capability / 10.0));
      return;
    }
    List<KernelCase> fitting =
        all.stream()
            .filter(one -> one.kernel().runsOn(capability, sharedBytes, one.sizes()))
            .toList();
    if (fitting.size() < all.size()) {
      absences.add(
          "%d of %d cases of %s need a larger cluster or more shared memory"
              .formatted(all.size() - fitting.size(), all.size(), symbol));
    }
    if (!fitting.isEmpty()) {
      cases.put(symbol, fitting);
    }
  }

  /** Returns the cases that run here, by the symbol of the kernel. */
  Map<String, List<KernelCase>> cases() {
    return cases;
  }

  /** Returns a line for each kernel that is not here, or not with all of its cases. */
  List<String> absences() {
    return absences;
  }

  /** Returns the kernel of a case. */
  KernelFunction function(KernelCase kernelCase) {
    return library.function(kernelCase.kernel());
  }

  @Override
  public void close() {
    library.close();
  }
}
