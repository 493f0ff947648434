package io.github.distillcuda.cuda;

import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.LaunchConfig;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.NativeException;

/** A kernel of a loaded module, which owns it. */
public final class KernelFunction {
  private final CudaModule module;
  private final KernelSignature signature;
  private final long address;
  private int sharedBytes;
  private boolean clusterAllowed;

  KernelFunction(CudaModule module, KernelSignature signature, long address) {
    this.module = module;
    this.signature = signature;
    this.address = address;
  }

  /** Returns what the kernel takes. */
  public KernelSignature signature() {
    return signature;
  }

  /**
   * Prepares a launch, whose arguments are bound next. It lives as long as the module.
   *
   * @throws IllegalArgumentException if the sizes are not what the kernel is made for
   */
  public KernelLaunch prepare(KernelSizes sizes) {
    return new KernelLaunch(this, sizes, module.arena());
  }

  /**
   * Returns whether the GPU has room for the clusters of a launch: blocks that run at once, close
   * to each other, of which a part of a GPU may be too small for many.
   */
  boolean hasRoom(KernelSizes sizes) {
    LaunchConfig config = signature.launch(sizes);
    try {
      allow(config);
      return module
              .driver()
              .cuOccupancyMaxActiveClusters(
                  address, config.gridX(), config.blockX(), config.sharedBytes())
          > 0;
    } catch (NativeException e) {
      if (e.code() != CudaConstants.CUDA_ERROR_INVALID_CLUSTER_SIZE) {
        throw e;
      }
      return false;
    }
  }

  /** Asks for what a launch needs beyond what every launch may have. */
  void allow(LaunchConfig config) {
    allowSharedMemory(config.sharedBytes());
    allowCluster();
  }

  /** More than 48 KiB a block, static and dynamic together, must be asked for. */
  private void allowSharedMemory(int bytes) {
    if (bytes > sharedBytes) {
      module
          .driver()
          .cuFuncSetAttribute(
              address, CudaConstants.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes);
      sharedBytes = bytes;
    }
  }

  /** A cluster of more blocks than every GPU has room for must be asked for. */
  private void allowCluster() {
    if (signature.clusterBlocks() > KernelSignature.PORTABLE_CLUSTER_BLOCKS && !clusterAllowed) {
      module
          .driver()
          .cuFuncSetAttribute(
              address, CudaConstants.CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 1);
      clusterAllowed = true;
    }
  }

  CudaModule module() {
    return module;
  }

  long address() {
    return address;
  }
}
