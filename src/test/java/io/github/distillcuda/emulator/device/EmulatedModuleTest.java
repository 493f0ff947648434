package io.github.distillcuda.emulator.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.ffi.CudaConstants;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** The rules of native-notes/emulated-device.md for modules, kernels and their launches. */
class EmulatedModuleTest extends DriverFixture {
  private static final String PTX =
      """
      .version %s
      .target sm_%d
      .address_size 64
      .visible .entry nothing()
      .maxntid 64, 1, 1
      {
        ret;
      }
      """;

  private long load(String version, int target) {
    try (Arena arena = Arena.ofConfined()) {
      return driver.cuModuleLoadDataEx(
          arena.allocateFrom(PTX.formatted(version, target)), new int[0], new long[0]);
    }
  }

  @Test
  void aModuleMustSuitDriverAndGpu() {
    assertFails(CudaConstants.CUDA_ERROR_NO_BINARY_FOR_GPU, () -> load("7.0", 100));
    assertFails(CudaConstants.CUDA_ERROR_UNSUPPORTED_PTX_VERSION, () -> load("9.1", 75));
    device.withDriverVersion(12_000);
    assertFails(CudaConstants.CUDA_ERROR_UNSUPPORTED_PTX_VERSION, () -> load("8.1", 75));
    long module = load("8.0", 75);
    assertFails(CudaResults.NOT_FOUND, () -> driver.cuModuleGetFunction(module, "other"));
    long function = driver.cuModuleGetFunction(module, "nothing");
    launch(function, 64, 0);
    driver.cuModuleUnload(module);
    assertFails(CudaResults.INVALID_HANDLE, () -> launch(function, 64, 0));
  }

  @Test
  void aLaunchHasItsLimits() {
    long function = driver.cuModuleGetFunction(load("7.0", 75), "nothing");
    assertFails(1, () -> launch(function, 0, 0));
    assertFails(1, () -> launch(function, 65, 0));
    assertFails(1, () -> launch(function, 64, 49 * 1024));
    driver.cuFuncSetAttribute(
        function, CudaConstants.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 49 * 1024);
    launch(function, 64, 49 * 1024);
    assertFails(
        1,
        () ->
            driver.cuFuncSetAttribute(
                function,
                CudaConstants.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                228 * 1024));
  }

  @Test
  void clustersNeedPermissionAndRoom() {
    device.withRoomForCluster(12);
    long function = driver.cuModuleGetFunction(loadCluster(4), "cluster");
    assertThat(driver.cuOccupancyMaxActiveClusters(function, 4, 64, 0)).isEqualTo(3);
    assertFails(912, () -> driver.cuOccupancyMaxActiveClusters(function, 6, 64, 0));
    long large = driver.cuModuleGetFunction(loadCluster(16), "cluster");
    assertFails(912, () -> driver.cuOccupancyMaxActiveClusters(large, 16, 64, 0));
    driver.cuFuncSetAttribute(
        large, CudaConstants.CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 1);
    assertThat(driver.cuOccupancyMaxActiveClusters(large, 16, 64, 0)).isZero();
    assertFails(
        912, () -> driver.cuLaunchKernel(large, 16, 1, 1, 64, 1, 1, 0, stream, MemorySegment.NULL));
  }

  private long loadCluster(int blocks) {
    String ptx =
        """
        .version 8.0
        .target sm_90
        .address_size 64
        .visible .entry cluster()
        .maxntid 64, 1, 1
        .explicitcluster
        .reqnctapercluster %d, 1, 1
        {
          ret;
        }
        """;
    try (Arena arena = Arena.ofConfined()) {
      return driver.cuModuleLoadDataEx(
          arena.allocateFrom(ptx.formatted(blocks)), new int[0], new long[0]);
    }
  }

  private void launch(long function, int threads, int sharedBytes) {
    driver.cuLaunchKernel(
        function, 1, 1, 1, threads, 1, 1, sharedBytes, stream, MemorySegment.NULL);
  }
}
