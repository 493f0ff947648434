package io.github.distillcuda.ffi;

import java.lang.foreign.MemorySegment;

/**
 * The functions of the CUDA driver that are used, under their exported names; {@code
 * native-notes/cuda-driver.md} has the table and the traps.
 *
 * <p>Handles and device addresses are plain numbers, which the host cannot follow by accident; 0
 * stands for NULL. Host memory is a segment outside of the Java heap. What C returns through a
 * pointer is the result here. A call belongs to the context that is current in its thread.
 *
 * <p>Every result is checked: a failure is a {@link NativeException} that names the function, its
 * arguments and the result, or, once the GPU is lost, a {@code DistillException} of the exit code
 * DEVICE; see {@link CudaLatch}. Errors of kernels and copies surface late, in whichever call comes
 * next.
 */
public interface CudaDriverApi {
  /** Returns the latch that all calls of this process to CUDA pass. */
  CudaLatch latch();

  // ---- The driver and its devices

  /**
   * Initialises the driver; the first call but for {@link #cuDriverGetVersion}.
   *
   * @param flags 0
   */
  void cuInit(int flags);

  /** Returns the newest CUDA that the driver serves, as 1000*major + 10*minor. */
  int cuDriverGetVersion();

  /** Returns the number of GPUs. */
  int cuDeviceGetCount();

  /** Returns the device of an ordinal from 0. */
  int cuDeviceGet(int ordinal);

  /** Returns the name of a GPU, such as {@code NVIDIA H100 80GB HBM3}. */
  String cuDeviceGetName(int device);

  /** Returns a property of a GPU, one of {@code CudaConstants.CU_DEVICE_ATTRIBUTE_*}. */
  int cuDeviceGetAttribute(int attribute, int device);

  /** Returns the bytes of memory on a GPU. */
  long cuDeviceTotalMem_v2(int device);

  /** Returns the primary context of a GPU, which cuDNN and cuBLAS use too, and keeps it alive. */
  long cuDevicePrimaryCtxRetain(int device);

  /** Ends what {@link #cuDevicePrimaryCtxRetain} began. */
  void cuDevicePrimaryCtxRelease_v2(int device);

  /** Makes a context the one of the calling thread; 0 for none. */
  void cuCtxSetCurrent(long context);

  /** Returns the GPU of the current context, as {@link #cuDeviceGet} names it. */
  int cuCtxGetDevice();

  /** Waits for all work of the current context. */
  void cuCtxSynchronize();

  /** Returns the least and the greatest priority of a stream; the greatest is the lower number. */
  int[] cuCtxGetStreamPriorityRange();

  // ---- Memory

  /** Returns free and total bytes on the current GPU. */
  long[] cuMemGetInfo_v2();

  /** Returns the address of uninitialised device memory; the caller owns it. */
  long cuMemAlloc_v2(long byteSize);

  /** Frees device memory; waits for the work that may use it. */
  void cuMemFree_v2(long address);

  /** Returns uninitialised page-locked host memory of this size; the caller owns it. */
  MemorySegment cuMemAllocHost_v2(long byteSize);

  /** Frees what {@link #cuMemAllocHost_v2} returned. */
  void cuMemFreeHost(MemorySegment memory);

  /** Copies the whole segment to the device in stream order; page-locked, it must stay alive. */
  void cuMemcpyHtoDAsync_v2(long destination, MemorySegment source, long stream);

  /** Fills the whole segment from the device in stream order; page-locked, it must stay alive. */
  void cuMemcpyDtoHAsync_v2(MemorySegment destination, long source, long stream);

  /** Copies between places on the device that do not overlap, in stream order. */
  void cuMemcpyDtoDAsync_v2(long destination, long source, long byteSize, long stream);

  /** Sets bytes on the device in stream order. */
  void cuMemsetD8Async(long destination, byte value, long byteSize, long stream);

  // ---- Streams and events

  /**
   * Creates a stream.
   *
   * @param flags {@code CudaConstants.CU_STREAM_NON_BLOCKING}, or 0 to wait for the default stream
   */
  long cuStreamCreateWithPriority(int flags, int priority);

  /** Destroys a stream; work that is still in it goes on. */
  void cuStreamDestroy_v2(long stream);

  /** Returns the context of a stream. */
  long cuStreamGetCtx(long stream);

  /** Waits for all work of a stream. */
  void cuStreamSynchronize(long stream);

  /**
   * Makes what follows in the stream wait for an event; while a stream is captured, joins the
   * capture of the event.
   *
   * @param flags 0
   */
  void cuStreamWaitEvent(long stream, long event, int flags);

  /**
   * Creates an event.
   *
   * @param flags {@code CudaConstants.CU_EVENT_DISABLE_TIMING}, or 0 to measure time
   */
  long cuEventCreate(int flags);

  /** Destroys an event. */
  void cuEventDestroy_v2(long event);

  /** Sets the event to the present end of a stream. */
  void cuEventRecord(long event, long stream);

  /** Returns whether the work before the event is done. */
  boolean cuEventQuery(long event);

  /** Returns the milliseconds between two events that are done, with 0.5 µs resolution. */
  float cuEventElapsedTime(long start, long end);

  // ---- Modules and kernels

  /**
   * Compiles and loads a module.
   *
   * @param image PTX, ended by a zero byte
   * @param options of the compiler, {@code CudaConstants.CU_JIT_*}
   * @param optionValues a number or a host address for each option
   */
  long cuModuleLoadDataEx(MemorySegment image, int[] options, long[] optionValues);

  /** Unloads a module and its kernels. */
  void cuModuleUnload(long module);

  /** Returns a kernel of a module. */
  long cuModuleGetFunction(long module, String name);

  /** Sets a property of a kernel, one of {@code CudaConstants.CU_FUNC_ATTRIBUTE_*}. */
  void cuFuncSetAttribute(long function, int attribute, int value);

  /**
   * Returns how many clusters of a kernel that declares their size the GPU can hold at once. A
   * launch is of {@code gridX} blocks of {@code blockX} threads, with so much dynamic shared memory
   * each.
   */
  int cuOccupancyMaxActiveClusters(long function, int gridX, int blockX, int sharedBytes);

  /**
   * Launches a kernel in stream order. Allocates nothing unless it fails.
   *
   * @param kernelParams the addresses of the arguments, one after the other; they are read before
   *     this returns
   */
  void cuLaunchKernel(
      long function,
      int gridX,
      int gridY,
      int gridZ,
      int blockX,
      int blockY,
      int blockZ,
      int sharedBytes,
      long stream,
      MemorySegment kernelParams);

  // ---- Graphs

  /**
   * Begins to record a stream's work instead of running it.
   *
   * @param mode {@code CudaConstants.CU_STREAM_CAPTURE_MODE_*}
   */
  void cuStreamBeginCapture_v2(long stream, int mode);

  /** Ends the recording and returns it; the caller owns it. */
  long cuStreamEndCapture(long stream);

  /** Returns the nodes of a graph, which owns them. */
  long[] cuGraphGetNodes(long graph);

  /**
   * Makes a graph executable; the caller owns the result, and the graph may be destroyed.
   *
   * @param flags 0
   */
  long cuGraphInstantiateWithFlags(long graph, long flags);

  /** Sends an executable graph to the device ahead of its first launch. */
  void cuGraphUpload(long executable, long stream);

  /** Launches a graph in stream order. Allocates nothing unless it fails. */
  void cuGraphLaunch(long executable, long stream);

  /** Destroys an executable graph. */
  void cuGraphExecDestroy(long executable);

  /** Destroys a graph. */
  void cuGraphDestroy(long graph);
}
