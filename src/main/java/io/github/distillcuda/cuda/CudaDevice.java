package io.github.distillcuda.cuda;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.CudaLibraries;
import java.util.Optional;

/**
 * A GPU.
 *
 * @param ordinal its number, from 0
 * @param handle what the driver calls it
 * @param name such as {@code NVIDIA H100 80GB HBM3}
 * @param computeCapability 10*major + minor, such as 90
 * @param multiprocessors how many it has
 * @param totalBytes its memory
 * @param driverVersion the newest CUDA that its driver serves, 1000*major + 10*minor
 */
public record CudaDevice(
    int ordinal,
    int handle,
    String name,
    int computeCapability,
    int multiprocessors,
    long totalBytes,
    int driverVersion) {
  /**
   * Asks the driver for a GPU.
   *
   * @throws DistillException {@link ExitCode#DEVICE} if there is none of this number
   */
  public static CudaDevice of(CudaDriverApi driver, int ordinal) {
    int count = driver.cuDeviceGetCount();
    if (ordinal < 0 || ordinal >= count) {
      throw new DistillException(
          ExitCode.DEVICE,
          "no GPU has the number %d: there are %d, counted from 0".formatted(ordinal, count));
    }
    int handle = driver.cuDeviceGet(ordinal);
    int major =
        driver.cuDeviceGetAttribute(
            CudaConstants.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, handle);
    int minor =
        driver.cuDeviceGetAttribute(
            CudaConstants.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, handle);
    return new CudaDevice(
        ordinal,
        handle,
        driver.cuDeviceGetName(handle),
        10 * major + minor,
        driver.cuDeviceGetAttribute(CudaConstants.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, handle),
        driver.cuDeviceTotalMem_v2(handle),
        driver.cuDriverGetVersion());
  }

  /** Returns the most shared memory that a block may have, once it is asked for, in bytes. */
  int sharedBytes(CudaDriverApi driver) {
    return driver.cuDeviceGetAttribute(
        CudaConstants.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, handle);
  }

  /** Returns the compute capability as people write it, such as {@code 9.0}. */
  public String capability() {
    return capability(computeCapability);
  }

  private static String capability(int number) {
    return number / 10 + "." + number % 10;
  }

  /** Returns on one line why the kernels of this program do not run here, if they do not. */
  Optional<String> unsupported() {
    return computeCapability >= KernelLibrary.LOWEST_TARGET
        ? Optional.empty()
        : Optional.of(
            "too old, compute capability %s or later is needed"
                .formatted(capability(KernelLibrary.LOWEST_TARGET)));
  }

  /**
   * Refuses a GPU that runs none of this program's kernels, before anything is made on it.
   *
   * @throws DistillException {@link ExitCode#DEVICE} with its compute capability and the one that
   *     is needed
   */
  public void requireSupported() {
    unsupported()
        .ifPresent(
            reason -> {
              throw new DistillException(
                  ExitCode.DEVICE,
                  "cuda:%d %s has compute capability %s: %s; use a newer GPU"
                      .formatted(ordinal, name, capability(), reason));
            });
  }

  /** Returns name and properties for people. */
  @Override
  public String toString() {
    return "cuda:%d %s (compute capability %s, %d multiprocessors, %d MiB, driver for CUDA %s)"
        .formatted(
            ordinal,
            name,
            capability(),
            multiprocessors,
            totalBytes >> 20,
            CudaLibraries.cudaVersion(driverVersion));
  }
}
