package io.github.distillcuda.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The CUDA driver through either binding. All functions are linked when it is created. */
final class LinkedCudaDriver implements CudaDriverApi {
  private static final int NAME_BYTES = 256;

  private final CudaFunctions driver;
  private final CudaFunction launchKernel;
  private final MethodHandle launchKernelHandle;
  private final CudaFunction graphLaunch;
  private final MethodHandle graphLaunchHandle;

  /**
   * Links the driver.
   *
   * @throws UnsatisfiedLinkError naming a function that the library does not export
   */
  LinkedCudaDriver(CudaLinker linker, CudaLatch latch) {
    driver =
        new CudaFunctions(
            CudaFunctionTables.DRIVER, linker, latch, LinkedCudaDriver::explainedFailure);
    launchKernel = driver.get("cuLaunchKernel");
    launchKernelHandle = launchKernel.handle();
    graphLaunch = driver.get("cuGraphLaunch");
    graphLaunchHandle = graphLaunch.handle();
  }

  private static RuntimeException explainedFailure(CudaFunctions driver, String call, int result) {
    return driver
        .latch()
        .driverFailure(
            new NativeException(
                call,
                string(driver.get("cuGetErrorName"), result),
                result,
                string(driver.get("cuGetErrorString"), result)));
  }

  private static String string(CudaFunction errorText, int result) {
    long address = errorText.callForLongOrZero(result);
    return address == 0 ? "unknown" : SharedLibrary.string(MemorySegment.ofAddress(address));
  }

  @Override
  public CudaLatch latch() {
    return driver.latch();
  }

  @Override
  public void cuInit(int flags) {
    driver.get("cuInit").call(flags);
  }

  @Override
  public int cuDriverGetVersion() {
    return driver.get("cuDriverGetVersion").callForInt();
  }

  @Override
  public int cuDeviceGetCount() {
    return driver.get("cuDeviceGetCount").callForInt();
  }

  @Override
  public int cuDeviceGet(int ordinal) {
    return driver.get("cuDeviceGet").callForInt(ordinal);
  }

  @Override
  public String cuDeviceGetName(int device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(NAME_BYTES);
      driver.get("cuDeviceGetName").call(name, NAME_BYTES, device);
      return name.getString(0);
    }
  }

  @Override
  public int cuDeviceGetAttribute(int attribute, int device) {
    return driver.get("cuDeviceGetAttribute").callForInt(attribute, device);
  }

  @Override
  public long cuDeviceTotalMem_v2(int device) {
    return driver.get("cuDeviceTotalMem_v2").callForLong(device);
  }

  @Override
  public long cuDevicePrimaryCtxRetain(int device) {
    return driver.get("cuDevicePrimaryCtxRetain").callForLong(device);
  }

  @Override
  public void cuDevicePrimaryCtxRelease_v2(int device) {
    driver.get("cuDevicePrimaryCtxRelease_v2").call(device);
  }

  @Override
  public void cuCtxSetCurrent(long context) {
    driver.get("cuCtxSetCurrent").call(context);
  }

  @Override
  public int cuCtxGetDevice() {
    return driver.get("cuCtxGetDevice").callForInt();
  }

  @Override
  public void cuCtxSynchronize() {
    driver.get("cuCtxSynchronize").call();
  }

  @Override
  public int[] cuCtxGetStreamPriorityRange() {
    return driver.get("cuCtxGetStreamPriorityRange").callForInts();
  }

  @Override
  public long[] cuMemGetInfo_v2() {
    return driver.get("cuMemGetInfo_v2").callForLongs();
  }

  @Override
  public long cuMemAlloc_v2(long byteSize) {
    return driver.get("cuMemAlloc_v2").callForLong(byteSize);
  }

  @Override
  public void cuMemFree_v2(long address) {
    driver.get("cuMemFree_v2").call(address);
  }

  @Override
  public MemorySegment cuMemAllocHost_v2(long byteSize) {
    return SharedLibrary.memory(driver.get("cuMemAllocHost_v2").callForLong(byteSize), byteSize);
  }

  @Override
  public void cuMemFreeHost(MemorySegment memory) {
    driver.get("cuMemFreeHost").call(memory);
  }

  @Override
  public void cuMemcpyHtoDAsync_v2(long destination, MemorySegment source, long stream) {
    driver.get("cuMemcpyHtoDAsync_v2").call(destination, source, source.byteSize(), stream);
  }

  @Override
  public void cuMemcpyDtoHAsync_v2(MemorySegment destination, long source, long stream) {
    driver.get("cuMemcpyDtoHAsync_v2").call(destination, source, destination.byteSize(), stream);
  }

  @Override
  public void cuMemcpyDtoDAsync_v2(long destination, long source, long byteSize, long stream) {
    driver.get("cuMemcpyDtoDAsync_v2").call(destination, source, byteSize, stream);
  }

  @Override
  public void cuMemsetD8Async(long destination, byte value, long byteSize, long stream) {
    // The parameter is an unsigned char, which C callers widen to an int without a sign.
    driver.get("cuMemsetD8Async").call(destination, Byte.toUnsignedInt(value), byteSize, stream);
  }

  @Override
  public long cuStreamCreateWithPriority(int flags, int priority) {
    return driver.get("cuStreamCreateWithPriority").callForLong(flags, priority);
  }

  @Override
  public void cuStreamDestroy_v2(long stream) {
    driver.get("cuStreamDestroy_v2").call(stream);
  }

  @Override
  public long cuStreamGetCtx(long stream) {
    return driver.get("cuStreamGetCtx").callForLong(stream);
  }

  @Override
  public void cuStreamSynchronize(long stream) {
    driver.get("cuStreamSynchronize").call(stream);
  }

  @Override
  public void cuStreamWaitEvent(long stream, long event, int flags) {
    driver.get("cuStreamWaitEvent").call(stream, event, flags);
  }

  @Override
  public long cuEventCreate(int flags) {
    return driver.get("cuEventCreate").callForLong(flags);
  }

  @Override
  public void cuEventDestroy_v2(long event) {
    driver.get("cuEventDestroy_v2").call(event);
  }

  @Override
  public void cuEventRecord(long event, long stream) {
    driver.get("cuEventRecord").call(event, stream);
  }

  @Override
  public boolean cuEventQuery(long event) {
    CudaFunction query = driver.get("cuEventQuery");
    int result = query.status(event);
    if (result != 0 && result != CudaConstants.CUDA_ERROR_NOT_READY) {
      throw query.failure(result, event);
    }
    return result == 0;
  }

  @Override
  public float cuEventElapsedTime(long start, long end) {
    return driver.get("cuEventElapsedTime").callForFloat(start, end);
  }

  @Override
  public long cuModuleLoadDataEx(MemorySegment image, int[] options, long[] optionValues) {
    try (Arena arena = Arena.ofConfined()) {
      return driver
          .get("cuModuleLoadDataEx")
          .callForLong(
              image,
              options.length,
              arena.allocateFrom(JAVA_INT, options),
              arena.allocateFrom(JAVA_LONG, optionValues));
    }
  }

  @Override
  public void cuModuleUnload(long module) {
    driver.get("cuModuleUnload").call(module);
  }

  @Override
  public long cuModuleGetFunction(long module, String name) {
    return driver.get("cuModuleGetFunction").callForLong(module, name);
  }

  @Override
  public void cuFuncSetAttribute(long function, int attribute, int value) {
    driver.get("cuFuncSetAttribute").call(function, attribute, value);
  }

  @Override
  public int cuOccupancyMaxActiveClusters(long function, int gridX, int blockX, int sharedBytes) {
    try (Arena arena = Arena.ofConfined()) {
      return driver
          .get("cuOccupancyMaxActiveClusters")
          .callForInt(function, CudaLaunchConfig.of(arena, gridX, blockX, sharedBytes));
    }
  }

  @Override
  public void cuLaunchKernel(
      long function,
      int gridX,
      int gridY,
      int gridZ,
      int blockX,
      int blockY,
      int blockZ,
      int sharedBytes,
      long stream,
      MemorySegment kernelParams) {
    launchKernel.requireUsable();
    int result;
    try {
      result =
          (int)
              launchKernelHandle.invokeExact(
                  function,
                  gridX,
                  gridY,
                  gridZ,
                  blockX,
                  blockY,
                  blockZ,
                  sharedBytes,
                  stream,
                  kernelParams,
                  MemorySegment.NULL);
    } catch (Throwable t) {
      throw launchKernel.wrongDescriptor(t);
    }
    if (result != 0) {
      throw launchKernel.failure(
          result, function, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream);
    }
  }

  @Override
  public void cuStreamBeginCapture_v2(long stream, int mode) {
    driver.get("cuStreamBeginCapture_v2").call(stream, mode);
  }

  @Override
  public long cuStreamEndCapture(long stream) {
    return driver.get("cuStreamEndCapture").callForLong(stream);
  }

  @Override
  public long[] cuGraphGetNodes(long graph) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_LONG);
      driver.get("cuGraphGetNodes").call(graph, MemorySegment.NULL, count);
      MemorySegment nodes = arena.allocate(JAVA_LONG, count.get(JAVA_LONG, 0));
      driver.get("cuGraphGetNodes").call(graph, nodes, count);
      return nodes.toArray(JAVA_LONG);
    }
  }

  @Override
  public long cuGraphInstantiateWithFlags(long graph, long flags) {
    return driver.get("cuGraphInstantiateWithFlags").callForLong(graph, flags);
  }

  @Override
  public void cuGraphUpload(long executable, long stream) {
    driver.get("cuGraphUpload").call(executable, stream);
  }

  @Override
  public void cuGraphLaunch(long executable, long stream) {
    graphLaunch.requireUsable();
    int result;
    try {
      result = (int) graphLaunchHandle.invokeExact(executable, stream);
    } catch (Throwable t) {
      throw graphLaunch.wrongDescriptor(t);
    }
    if (result != 0) {
      throw graphLaunch.failure(result, executable, stream);
    }
  }

  @Override
  public void cuGraphExecDestroy(long executable) {
    driver.get("cuGraphExecDestroy").call(executable);
  }

  @Override
  public void cuGraphDestroy(long graph) {
    driver.get("cuGraphDestroy").call(graph);
  }
}
