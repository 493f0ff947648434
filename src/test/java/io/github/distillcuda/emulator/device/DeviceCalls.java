package io.github.distillcuda.emulator.device;

import io.github.distillcuda.emulator.memory.Region;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.CudaLatch;
import io.github.distillcuda.ffi.NativeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;

/** The part of the driver that knows GPUs, contexts and memory. */
abstract class DeviceCalls extends EmulatedApi implements CudaDriverApi {
  /** The primary context of a GPU, and how often it is retained. */
  private static final class PrimaryContext {
    private final int device;
    private int retained;

    PrimaryContext(int device) {
      this.device = device;
    }
  }

  /** All others need the context to be current in the calling thread. */
  private static final Set<String> WITHOUT_CONTEXT =
      Set.of(
          "cuInit",
          "cuDriverGetVersion",
          "cuDeviceGetCount",
          "cuDeviceGet",
          "cuDeviceGetName",
          "cuDeviceGetAttribute",
          "cuDeviceTotalMem_v2",
          "cuDevicePrimaryCtxRetain",
          "cuCtxSetCurrent");

  /** What must not be called while the thread records, and spoils the recording if it is. */
  private static final Set<String> OUTSIDE_OF_CAPTURE =
      Set.of("cuCtxSynchronize", "cuMemAlloc_v2", "cuMemAllocHost_v2", "cuModuleLoadDataEx");

  private static final Set<String> ENDING =
      Set.of(
          "cuDevicePrimaryCtxRelease_v2",
          "cuMemFree_v2",
          "cuMemFreeHost",
          "cuStreamDestroy_v2",
          "cuEventDestroy_v2",
          "cuStreamEndCapture",
          "cuGraphExecDestroy",
          "cuGraphDestroy",
          "cuModuleUnload");

  /** Freed page-locked memory by its size: uninitialised as it is, it may serve again. */
  private static final Map<Long, Deque<MemorySegment>> FREED_PINNED = new ConcurrentHashMap<>();

  private final Map<Integer, Long> contexts = new HashMap<>();
  private final ThreadLocal<Long> current = ThreadLocal.withInitial(() -> 0L);
  private final Map<Long, Long> contextsOfMemory = new HashMap<>();
  private int allocations;

  DeviceCalls(EmulatedDevice device) {
    super(device);
  }

  @Override
  protected final RuntimeException failure(String call, int result, String reason) {
    return latch()
        .driverFailure(new NativeException(call, CudaResults.name(result), result, reason));
  }

  @Override
  protected final int statusOf(int driverResult) {
    return driverResult;
  }

  @Override
  protected final boolean ends(String function) {
    return ENDING.contains(function);
  }

  @Override
  protected final void letIn(String function) {
    super.letIn(function);
    if (!WITHOUT_CONTEXT.contains(function)) {
      requireContext();
    }
    if (OUTSIDE_OF_CAPTURE.contains(function)) {
      requireNoCapture();
    }
  }

  final void requireContext() {
    require(hasContext(), CudaResults.NO_CONTEXT, "no context is current in this thread");
  }

  /** Returns the context that is current in the calling thread. */
  final long context() {
    return current.get();
  }

  final boolean hasContext() {
    return device().find(PrimaryContext.class, current.get()) != null;
  }

  final void requireNoCapture() {
    for (Capture capture : device().capturesOfThisThread()) {
      capture.invalidate();
      fail(CudaResults.CAPTURE_UNSUPPORTED, "this thread is recording");
    }
  }

  @Override
  public final CudaLatch latch() {
    return device().latch();
  }

  // ---- The driver and its devices

  @Override
  public final void cuInit(int flags) {
    require(
        device().gpus() > 0, CudaConstants.CUDA_ERROR_NO_DEVICE, "no CUDA-capable device is found");
  }

  @Override
  public final int cuDriverGetVersion() {
    return device().driverVersion();
  }

  @Override
  public final int cuDeviceGetCount() {
    return device().gpus();
  }

  @Override
  public final int cuDeviceGet(int ordinal) {
    require(ordinal >= 0 && ordinal < device().gpus(), 101, "no such GPU");
    return ordinal + 10;
  }

  @Override
  public final String cuDeviceGetName(int gpu) {
    return "Emulated GPU";
  }

  @Override
  public final int cuDeviceGetAttribute(int attribute, int gpu) {
    return switch (attribute) {
      case CudaConstants.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR ->
          device().computeCapability() / 10;
      case CudaConstants.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR ->
          device().computeCapability() % 10;
      case CudaConstants.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT -> 132;
      case CudaConstants.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN ->
          sharedBytes(device().computeCapability());
      default -> throw notEmulated("this attribute");
    };
  }

  /** The CUDA programming guide's table of compute capabilities. */
  private static int sharedBytes(int computeCapability) {
    int kibibytes =
        switch (computeCapability) {
          case 75 -> 64;
          case 80, 87 -> 163;
          case 86, 89, 120 -> 99;
          default -> 227;
        };
    return kibibytes << 10;
  }

  @Override
  public final long cuDeviceTotalMem_v2(int gpu) {
    return EmulatedDevice.TOTAL_BYTES;
  }

  @Override
  public final long cuDevicePrimaryCtxRetain(int gpu) {
    long handle =
        contexts.computeIfAbsent(gpu, g -> device().add("context", new PrimaryContext(g)));
    device().find(PrimaryContext.class, handle).retained++;
    return handle;
  }

  @Override
  public final void cuDevicePrimaryCtxRelease_v2(int gpu) {
    long handle = contexts.getOrDefault(gpu, 0L);
    PrimaryContext context = device().find(PrimaryContext.class, handle);
    if (context != null && --context.retained == 0) {
      contexts.remove(context.device);
      device().handles().remove(PrimaryContext.class, handle);
    }
    requireWorking();
    require(context != null, CudaResults.NO_CONTEXT, "the context is not retained");
  }

  @Override
  public final void cuCtxSetCurrent(long context) {
    if (context != 0) {
      require(PrimaryContext.class, context, CudaResults.NO_CONTEXT);
    }
    current.set(context);
  }

  @Override
  public final int cuCtxGetDevice() {
    return device().find(PrimaryContext.class, current.get()).device;
  }

  @Override
  public final void cuCtxSynchronize() {
    device().synchronize();
  }

  @Override
  public final int[] cuCtxGetStreamPriorityRange() {
    return new int[] {0, -5};
  }

  // ---- Memory

  @Override
  public final long[] cuMemGetInfo_v2() {
    return new long[] {device().freeBytes(), EmulatedDevice.TOTAL_BYTES};
  }

  @Override
  public final long cuMemAlloc_v2(long byteSize) {
    require(byteSize > 0, CudaResults.INVALID_VALUE, "no bytes");
    require(
        byteSize <= device().freeBytes(), CudaConstants.CUDA_ERROR_OUT_OF_MEMORY, "out of memory");
    emulated(byteSize < Integer.MAX_VALUE, () -> "an allocation of 2 GiB or more");
    Region region = device().memory().allocate("allocation " + allocations++, (int) byteSize);
    device().allocated(byteSize);
    device().handles().add("memory", region.address(), region);
    contextsOfMemory.put(region.address(), context());
    return region.address();
  }

  /** Returns the context that was current when the memory at an address was last allocated. */
  final long contextOfMemory(long address) {
    return contextsOfMemory.get(address);
  }

  /** Waits for the work that may use it, so for all. */
  @Override
  public final void cuMemFree_v2(long address) {
    Region region = end(Region.class, CudaResults.INVALID_VALUE, address);
    requireContext();
    requireNoCapture();
    device().synchronize();
    device().memory().free(region);
    device().allocated(-region.size());
  }

  @Override
  public final MemorySegment cuMemAllocHost_v2(long byteSize) {
    MemorySegment freed = freedPinned(byteSize).poll();
    // What an earlier test left there must not decide what a device without work seems to copy.
    MemorySegment memory = freed != null ? freed.fill((byte) 0) : Arena.ofAuto().allocate(byteSize);
    device().handles().add("pinned", memory.address(), memory);
    return memory;
  }

  @Override
  public final void cuMemFreeHost(MemorySegment memory) {
    MemorySegment freed = end(MemorySegment.class, CudaResults.INVALID_VALUE, memory.address());
    requireContext();
    requireNoCapture();
    device().synchronize();
    freedPinned(freed.byteSize()).add(freed);
  }

  private static Deque<MemorySegment> freedPinned(long byteSize) {
    return FREED_PINNED.computeIfAbsent(byteSize, size -> new ConcurrentLinkedDeque<>());
  }

  /** Returns the allocation that a range lies in. */
  final Region region(long address, long byteSize) {
    for (Region region : device().memory().live()) {
      if (region.holds(address, Math.toIntExact(byteSize))) {
        return region;
      }
    }
    return fail(
        CudaResults.INVALID_VALUE,
        "%d bytes at 0x%x are not in one allocation".formatted(byteSize, address));
  }

  /** Returns the page-locked memory that a range lies in; other memory is copied differently. */
  final void requirePinned(MemorySegment range) {
    for (MemorySegment pinned : device().handles().all(MemorySegment.class)) {
      long offset = range.address() - pinned.address();
      if (offset >= 0 && offset <= pinned.byteSize() - range.byteSize()) {
        return;
      }
    }
    throw notEmulated("memory of the host that is not page-locked");
  }
}
