package io.github.distillcuda.emulator.library;

import io.github.distillcuda.cuda.CudaEngine;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CublasLtApi;

/** All libraries of one emulated device, as the program takes them. */
public final class EmulatedEngine {
  private EmulatedEngine() {}

  /** Links the libraries of a device. */
  public static CudaEngine of(EmulatedDevice device) {
    return of(device, EmulatedCublasLt.on(device));
  }

  /** Links the libraries of a device with a cublasLt of choice, or without one: null. */
  public static CudaEngine of(EmulatedDevice device, CublasLtApi cublasLt) {
    return new CudaEngine(
        "panama", device.driver(), EmulatedCudnn.on(device), EmulatedCublas.on(device), cublasLt);
  }
}
