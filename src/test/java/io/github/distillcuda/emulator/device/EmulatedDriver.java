package io.github.distillcuda.emulator.device;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.distillcuda.emulator.EmulatedKernel;
import io.github.distillcuda.emulator.Launch;
import io.github.distillcuda.emulator.machine.Dim3;
import io.github.distillcuda.emulator.ptx.Parameter;
import io.github.distillcuda.ffi.CudaConstants;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The emulated driver: to what streams and memory do it adds modules and kernels. */
final class EmulatedDriver extends GraphCalls {
  /** Shared bytes a block that every kernel may have unasked. */
  private static final int SHARED_BYTES = 48 * 1024;

  private static final int MAX_SHARED_BYTES = 227 * 1024;
  private static final int MAX_BLOCK = 1024;
  private static final int MAX_GRID_YZ = 65_535;

  private static final int PORTABLE_CLUSTER = 8;
  private static final int MAX_CLUSTER = 16;

  /** A kernel of a module, and what was set of it. */
  private static final class Function {
    private final long module;
    private final EmulatedKernel kernel;
    private int sharedBytes = SHARED_BYTES;
    private int clusterBlocks = PORTABLE_CLUSTER;

    Function(long module, EmulatedKernel kernel) {
      this.module = module;
      this.kernel = kernel;
    }
  }

  private final Map<Long, Function> functions = new HashMap<>();
  private final List<Integer> loadedTargets = new ArrayList<>();

  EmulatedDriver(EmulatedDevice device) {
    super(device);
  }

  List<Integer> loadedTargets() {
    return loadedTargets;
  }

  @Override
  public long cuModuleLoadDataEx(MemorySegment image, int[] options, long[] optionValues) {
    LoadedModule module = LoadedModule.of(image.getString(0));
    Integer refusal = refusal(module);
    if (refusal != null) {
      writeLog(options, optionValues, "line 1: unknown\nline 2: unknown\n");
      fail(refusal, "says the compiler");
    }
    loadedTargets.add(module.target());
    return device().add("module", module);
  }

  /** Returns why the driver does not take a module; null if it does. */
  private Integer refusal(LoadedModule module) {
    // CUDA 12.0 has PTX 8.0, and 13.0 has 9.0.
    if (module.version() > device().driverVersion() / 100 - 40) {
      return CudaConstants.CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
    }
    if (module.target() > device().computeCapability()) {
      return CudaConstants.CUDA_ERROR_NO_BINARY_FOR_GPU;
    }
    return device().refusalOf(module.target());
  }

  @SuppressWarnings("restricted")
  private void writeLog(int[] options, long[] values, String text) {
    for (int i = 0; i < options.length; i++) {
      switch (options[i]) {
        case CudaConstants.CU_JIT_ERROR_LOG_BUFFER ->
            MemorySegment.ofAddress(values[i]).reinterpret(text.length() + 1).setString(0, text);
        case CudaConstants.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES ->
            require(values[i] > text.length(), CudaResults.INVALID_VALUE, "the log is too small");
        default -> throw notEmulated("option " + options[i]);
      }
    }
  }

  @Override
  public void cuModuleUnload(long module) {
    end(LoadedModule.class, CudaResults.INVALID_HANDLE, module);
    requireContext();
    requireNoCapture();
    device().synchronize();
    functions.values().removeIf(function -> function.module == module);
  }

  @Override
  public long cuModuleGetFunction(long handle, String name) {
    LoadedModule module = require(LoadedModule.class, handle, CudaResults.INVALID_HANDLE);
    require(
        module.kernels().kernelNames().contains(name),
        CudaResults.NOT_FOUND,
        "named symbol not found");
    long function = device().handles().number();
    functions.put(function, new Function(handle, module.kernels().kernel(name)));
    return function;
  }

  private Function function(long handle) {
    Function function = functions.get(handle);
    return function != null
        ? function
        : fail(CudaResults.INVALID_HANDLE, "no kernel of a loaded module");
  }

  @Override
  public void cuFuncSetAttribute(long handle, int attribute, int value) {
    if (attribute == CudaConstants.CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED) {
      function(handle).clusterBlocks = value != 0 ? MAX_CLUSTER : PORTABLE_CLUSTER;
      return;
    }
    emulated(
        attribute == CudaConstants.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
        () -> "this attribute");
    require(
        value >= 0 && value <= MAX_SHARED_BYTES,
        CudaResults.INVALID_VALUE,
        "more shared memory than a block may have");
    function(handle).sharedBytes = Math.max(SHARED_BYTES, value);
  }

  @Override
  public int cuOccupancyMaxActiveClusters(long handle, int gridX, int blockX, int sharedBytes) {
    Function function = function(handle);
    requireLaunchable(function, new Dim3(gridX, 1, 1), new Dim3(blockX, 1, 1), sharedBytes);
    return device().clusterBlocks() / function.kernel.clusterBlocks();
  }

  @Override
  public void cuLaunchKernel(
      long handle,
      int gridX,
      int gridY,
      int gridZ,
      int blockX,
      int blockY,
      int blockZ,
      int sharedBytes,
      long stream,
      MemorySegment params) {
    Function function = function(handle);
    Dim3 grid = new Dim3(gridX, gridY, gridZ);
    Dim3 block = new Dim3(blockX, blockY, blockZ);
    requireLaunchable(function, grid, block, sharedBytes);
    require(
        function.kernel.clusterBlocks() <= device().clusterBlocks(),
        CudaConstants.CUDA_ERROR_INVALID_CLUSTER_SIZE,
        "no room for a cluster");
    device().launched(params);
    Launch launch =
        Launch.of(function.kernel)
            .grid(grid)
            .block(block)
            .sharedBytes(sharedBytes)
            .parameterBlock(parameterBlock(function.kernel, params));
    submit(
        stream,
        new DeviceWork(
            function.kernel.name(),
            DeviceWork.KERNEL,
            () -> {
              if (device().runsKernels()) {
                launch.run(device().memory());
              }
            }));
  }

  private void requireLaunchable(Function function, Dim3 grid, Dim3 block, int sharedBytes) {
    boolean positive =
        Math.min(Math.min(grid.x(), grid.y()), grid.z()) > 0
            && Math.min(Math.min(block.x(), block.y()), block.z()) > 0;
    require(
        positive
            && Math.max(grid.y(), grid.z()) <= MAX_GRID_YZ
            && block.count() <= MAX_BLOCK
            && block.z() <= 64
            && sharedBytes >= 0
            && sharedBytes <= function.sharedBytes,
        CudaResults.INVALID_VALUE,
        "no such grid, block or shared memory");
    require(
        block.count() <= function.kernel.maxThreads(),
        CudaResults.INVALID_VALUE,
        "more threads than the kernel was compiled for");
    require(
        function.kernel.clusterBlocks() <= function.clusterBlocks
            && grid.x() % function.kernel.clusterBlocks() == 0,
        CudaConstants.CUDA_ERROR_INVALID_CLUSTER_SIZE,
        "a cluster that is not portable, or no whole clusters");
  }

  /** Arguments are read during the call, from where the caller's array points. */
  @SuppressWarnings("restricted")
  private static byte[] parameterBlock(EmulatedKernel kernel, MemorySegment params) {
    List<Parameter> parameters = kernel.parameters();
    if (parameters.isEmpty()) {
      return new byte[0];
    }
    byte[] block = new byte[parameters.getLast().offset() + parameters.getLast().bytes()];
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      MemorySegment argument =
          MemorySegment.ofAddress(params.getAtIndex(JAVA_LONG, i)).reinterpret(parameter.bytes());
      MemorySegment.copy(argument, JAVA_BYTE, 0, block, parameter.offset(), parameter.bytes());
    }
    return block;
  }
}
