package io.github.distillcuda.cuda;

import io.github.distillcuda.ffi.CudaConstants;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.LongStream;

/**
 * A driver without a GPU: refuses handles that are not alive, keeps device memory on the host,
 * writes down every call and can fail any one. It runs no kernel; a graph is the list of what was
 * called while it was captured.
 */
final class FakeCudaDriver extends FakeDevice {
  private final Arena arena = Arena.ofAuto();
  private final FakeMemory memory = new FakeMemory();
  private final Map<Long, String> modules = new TreeMap<>();
  private final Map<Long, List<Integer>> captures = new HashMap<>();
  private final Map<Long, List<Integer>> graphs = new HashMap<>();
  private final Map<Integer, Integer> refusedTargets = new HashMap<>();
  private long freeBytes = Long.MAX_VALUE;
  private boolean ready = true;
  private MemorySegment kernelParams;

  FakeCudaDriver withFreeBytes(long bytes) {
    freeBytes = bytes;
    return this;
  }

  /** Lets PTX for this target be refused with a result. */
  FakeCudaDriver refusing(int target, int result) {
    refusedTargets.put(target, result);
    return this;
  }

  /** Says whether work is done as soon as it is asked for. */
  void ready(boolean isReady) {
    ready = isReady;
  }

  /** Returns the targets of all modules that were loaded. */
  List<Integer> loadedTargets() {
    return modules.values().stream().map(ptx -> PtxImage.of("image", ptx).target()).toList();
  }

  /** Returns the argument addresses of the last launch. */
  MemorySegment kernelParams() {
    return kernelParams;
  }

  @Override
  public long[] cuMemGetInfo_v2() {
    callInContext("cuMemGetInfo_v2");
    return new long[] {freeBytes, 80L << 30};
  }

  @Override
  public long cuMemAlloc_v2(long byteSize) {
    callInContext("cuMemAlloc_v2", byteSize);
    if (byteSize > freeBytes) {
      fail(CudaConstants.CUDA_ERROR_OUT_OF_MEMORY);
    }
    long address = memory.allocate(byteSize);
    register("memory", address);
    return address;
  }

  @Override
  public void cuMemFree_v2(long address) {
    callInContext("cuMemFree_v2", address);
    destroy("memory", address);
    memory.free(address);
  }

  @Override
  public MemorySegment cuMemAllocHost_v2(long byteSize) {
    callInContext("cuMemAllocHost_v2", byteSize);
    MemorySegment segment = arena.allocate(byteSize);
    register("pinned", segment.address());
    return segment;
  }

  @Override
  public void cuMemFreeHost(MemorySegment segment) {
    callInContext("cuMemFreeHost", segment);
    destroy("pinned", segment.address());
  }

  private MemorySegment device(long address, long byteSize) {
    return memory
        .range(address, byteSize)
        .orElseGet(() -> fail(CudaConstants.CUDA_ERROR_INVALID_VALUE));
  }

  /** Returns whether the work is to be done now, and not recorded. */
  private boolean runs(long stream, int nodeType) {
    require("stream", stream);
    List<Integer> capture = captures.get(stream);
    if (capture != null) {
      capture.add(nodeType);
    }
    return capture == null;
  }

  @Override
  public void cuMemcpyHtoDAsync_v2(long destination, MemorySegment source, long stream) {
    callInContext("cuMemcpyHtoDAsync_v2", destination, source, stream);
    if (runs(stream, 1)) {
      device(destination, source.byteSize()).copyFrom(source);
    }
  }

  @Override
  public void cuMemcpyDtoHAsync_v2(MemorySegment destination, long source, long stream) {
    callInContext("cuMemcpyDtoHAsync_v2", destination, source, stream);
    if (runs(stream, 1)) {
      destination.copyFrom(device(source, destination.byteSize()));
    }
  }

  @Override
  public void cuMemcpyDtoDAsync_v2(long destination, long source, long byteSize, long stream) {
    callInContext("cuMemcpyDtoDAsync_v2", destination, source, byteSize, stream);
    if (runs(stream, 1)) {
      device(destination, byteSize).copyFrom(device(source, byteSize));
    }
  }

  @Override
  public void cuMemsetD8Async(long destination, byte value, long byteSize, long stream) {
    callInContext("cuMemsetD8Async", destination, value, byteSize, stream);
    if (runs(stream, 2)) {
      device(destination, byteSize).fill(value);
    }
  }

  @Override
  public long cuStreamCreateWithPriority(int flags, int priority) {
    callInContext("cuStreamCreateWithPriority", flags, priority);
    return create("stream");
  }

  @Override
  public void cuStreamDestroy_v2(long stream) {
    callInContext("cuStreamDestroy_v2", stream);
    destroy("stream", stream);
  }

  @Override
  public void cuStreamSynchronize(long stream) {
    callInContext("cuStreamSynchronize", stream);
    require("stream", stream);
    if (captures.containsKey(stream)) {
      fail(900);
    }
  }

  @Override
  public boolean cuStreamQuery(long stream) {
    callInContext("cuStreamQuery", stream);
    require("stream", stream);
    return ready;
  }

  @Override
  public void cuStreamWaitEvent(long stream, long event, int flags) {
    callInContext("cuStreamWaitEvent", stream, event, flags);
    require("stream", stream);
    require("event", event);
  }

  @Override
  public long cuEventCreate(int flags) {
    callInContext("cuEventCreate", flags);
    return create("event");
  }

  @Override
  public void cuEventDestroy_v2(long event) {
    callInContext("cuEventDestroy_v2", event);
    destroy("event", event);
  }

  @Override
  public void cuEventRecord(long event, long stream) {
    callInContext("cuEventRecord", event, stream);
    require("event", event);
    require("stream", stream);
  }

  @Override
  public boolean cuEventQuery(long event) {
    callInContext("cuEventQuery", event);
    require("event", event);
    return ready;
  }

  @Override
  public void cuEventSynchronize(long event) {
    callInContext("cuEventSynchronize", event);
    require("event", event);
  }

  @Override
  public float cuEventElapsedTime(long start, long end) {
    callInContext("cuEventElapsedTime", start, end);
    require("event", start);
    require("event", end);
    return 1.5f;
  }

  @Override
  public long cuModuleLoadDataEx(MemorySegment image, int[] options, long[] optionValues) {
    callInContext("cuModuleLoadDataEx", image, Arrays.toString(options));
    String ptx = image.getString(0);
    Integer refusal = refusedTargets.get(PtxImage.of("image", ptx).target());
    if (refusal != null) {
      writeLog(optionValues[0], "line 1: unknown\nline 2: unknown\n");
      fail(refusal);
    }
    long module = create("module");
    modules.put(module, ptx);
    return module;
  }

  @SuppressWarnings("restricted")
  private static void writeLog(long address, String text) {
    MemorySegment.ofAddress(address).reinterpret(text.length() + 1).setString(0, text);
  }

  @Override
  public void cuModuleUnload(long module) {
    callInContext("cuModuleUnload", module);
    destroy("module", module);
  }

  @Override
  public long cuModuleGetFunction(long module, String name) {
    callInContext("cuModuleGetFunction", module, name);
    require("module", module);
    if (!modules.get(module).contains(".entry " + name + "(")) {
      fail(CudaConstants.CUDA_ERROR_NOT_FOUND);
    }
    return number();
  }

  @Override
  public void cuFuncSetAttribute(long function, int attribute, int value) {
    callInContext("cuFuncSetAttribute", function, attribute, value);
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
      MemorySegment params) {
    callInContext(
        "cuLaunchKernel", gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream);
    runs(stream, CudaConstants.CU_GRAPH_NODE_TYPE_KERNEL);
    kernelParams = params;
  }

  @Override
  public void cuStreamBeginCapture_v2(long stream, int mode) {
    callInContext("cuStreamBeginCapture_v2", stream, mode);
    require("stream", stream);
    captures.put(stream, new ArrayList<>());
  }

  @Override
  public long cuStreamEndCapture(long stream) {
    callInContext("cuStreamEndCapture", stream);
    List<Integer> nodes = captures.remove(stream);
    if (nodes == null) {
      fail(CudaConstants.CUDA_ERROR_INVALID_VALUE);
    }
    long graph = create("graph");
    graphs.put(graph, nodes);
    return graph;
  }

  @Override
  public int cuStreamIsCapturing(long stream) {
    callInContext("cuStreamIsCapturing", stream);
    return captures.containsKey(stream) ? 1 : 0;
  }

  /** A node's handle holds its type. */
  @Override
  public long[] cuGraphGetNodes(long graph) {
    callInContext("cuGraphGetNodes", graph);
    require("graph", graph);
    return graphs.get(graph).stream().flatMapToLong(LongStream::of).toArray();
  }

  @Override
  public int cuGraphNodeGetType(long node) {
    callInContext("cuGraphNodeGetType", node);
    return (int) node;
  }

  @Override
  public long cuGraphInstantiateWithFlags(long graph, long flags) {
    callInContext("cuGraphInstantiateWithFlags", graph, flags);
    require("graph", graph);
    return create("executable");
  }

  @Override
  public void cuGraphUpload(long executable, long stream) {
    callInContext("cuGraphUpload", executable, stream);
    require("executable", executable);
  }

  @Override
  public void cuGraphLaunch(long executable, long stream) {
    callInContext("cuGraphLaunch", executable, stream);
    require("executable", executable);
    require("stream", stream);
  }

  @Override
  public void cuGraphExecDestroy(long executable) {
    callInContext("cuGraphExecDestroy", executable);
    destroy("executable", executable);
  }

  @Override
  public void cuGraphDestroy(long graph) {
    callInContext("cuGraphDestroy", graph);
    destroy("graph", graph);
  }
}
