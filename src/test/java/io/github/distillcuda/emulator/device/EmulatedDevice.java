package io.github.distillcuda.emulator.device;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.CudaLatch;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A GPU that is not there: what its driver and the libraries on it share, and what a test may ask
 * of it. Work is done when it is asked for, or, {@link #workLate()}, when somebody waits for it.
 */
public final class EmulatedDevice {
  static final long TOTAL_BYTES = 80L << 30;

  private final CudaLatch latch = new CudaLatch();
  private final CallLog log = new CallLog();
  private final HandleTable handles = new HandleTable();
  private final EmulatedMemory memory = new EmulatedMemory();
  private final Set<Capture> captures = new HashSet<>();
  private final List<List<String>> recordings = new ArrayList<>();
  private final Map<Integer, Integer> refusedTargets = new HashMap<>();
  private final EmulatedDriver driver = new EmulatedDriver(this);
  private final CudaDriverApi api = driver.logging(CudaDriverApi.class, Set.of());
  private int failure;
  private int lostWith;
  private int gpus = 2;
  private int computeCapability = 90;
  private int clusterBlocks = 16;
  private int driverVersion = 13_000;
  private long capacity = TOTAL_BYTES;
  private long allocated;
  private long operations;
  private boolean late;
  private boolean ready = true;
  private boolean runsKernels = true;
  private boolean works = true;
  private boolean truncatesFactors;
  private ExecutionOrder replayOrder = ExecutionOrder.FORWARD;
  private MemorySegment kernelParams;

  /** Returns the driver of this device. */
  public CudaDriverApi driver() {
    return api;
  }

  // ---- What a test wants of it

  /**
   * Lets the call of this number, from 0, fail.
   *
   * @param result what the driver's functions return then; libraries have their own words for it
   */
  public void failCall(int number, int result) {
    log.failCall(number);
    failure = result;
  }

  /** Lets the next call of a function fail, likewise. */
  public void failNext(String function, int result) {
    log.failNext(function);
    failure = result;
  }

  /** Sets how many GPUs there are. */
  public EmulatedDevice withGpus(int count) {
    gpus = count;
    return this;
  }

  public EmulatedDevice withComputeCapability(int value) {
    computeCapability = value;
    return this;
  }

  /** Sets how many blocks of a cluster there is room for: a part of a GPU may have less. */
  public EmulatedDevice withRoomForCluster(int blocks) {
    clusterBlocks = blocks;
    return this;
  }

  /** Sets the newest CUDA that the driver serves, as 1000*major + 10*minor. */
  public EmulatedDevice withDriverVersion(int version) {
    driverVersion = version;
    return this;
  }

  /** Leaves room for so many bytes more. */
  public EmulatedDevice withFreeBytes(long bytes) {
    capacity = allocated + bytes;
    return this;
  }

  /** Lets PTX for this target be refused with a result. */
  public EmulatedDevice refusing(int target, int result) {
    refusedTargets.put(target, result);
    return this;
  }

  /** Notes launches of kernels, and runs none. */
  public EmulatedDevice withoutKernels() {
    runsKernels = false;
    return this;
  }

  /** Notes what it is asked to do, and does none of it. */
  public EmulatedDevice withoutWork() {
    works = false;
    return this;
  }

  /**
   * Lets tensor cores cut the bits off that a factor in TF32 does not have, as Hopper's do with
   * float32 that nobody has rounded, where a library would round it to the nearest.
   */
  public EmulatedDevice truncatingFactors() {
    truncatesFactors = true;
    return this;
  }

  /**
   * Does work as late as a device may: when somebody waits for it, and no more than that. Whoever
   * forgets to wait meets memory that was never written.
   */
  public EmulatedDevice workLate() {
    late = true;
    return this;
  }

  /** Sets the order in which a graph does what its dependencies leave open. */
  public EmulatedDevice replaying(ExecutionOrder order) {
    replayOrder = order;
    return this;
  }

  /** Says whether work ever ends, for those who ask. */
  public void ready(boolean isReady) {
    ready = isReady;
  }

  // ---- What a test sees of it

  /** Returns all calls with their arguments. */
  public List<String> calls() {
    return log.all().stream().map(CallLog.Call::toString).toList();
  }

  /** Returns the call of a number, from 0, with its arguments. */
  public String call(int number) {
    return log.all().get(number).toString();
  }

  /** Returns the number of calls. */
  public int callCount() {
    return log.all().size();
  }

  /** Returns the functions called, without their arguments. */
  public List<String> functions() {
    return log.all().stream().map(CallLog.Call::function).toList();
  }

  /** Returns handle and kind of what is alive, whichever library made it. */
  public Map<Long, String> live() {
    return handles.kinds();
  }

  /** Returns the bytes that are allocated. */
  public long allocatedBytes() {
    return allocated;
  }

  /** Returns the context that memory was allocated in, by its first address. */
  public long contextOfMemory(long address) {
    return driver.contextOfMemory(address);
  }

  /** Returns how many operations the device has done: kernels, copies, fills, library calls. */
  public long operations() {
    return operations;
  }

  /** Returns of every recording that was made what it consists of, in the order of recording. */
  public List<List<String>> recordings() {
    return recordings;
  }

  /** Returns the targets of all modules that were loaded. */
  public List<Integer> loadedTargets() {
    return driver.loadedTargets();
  }

  /** Returns the argument addresses of the last launch. */
  public MemorySegment kernelParams() {
    return kernelParams;
  }

  // ---- What the libraries share

  /** Returns the latch that all calls pass. */
  public CudaLatch latch() {
    return latch;
  }

  /** Returns a new handle of a library. */
  public long add(String kind, Object object) {
    return handles.add(kind, object);
  }

  /** Returns what a handle stands for; null if nothing of this class is alive under it. */
  public <T> T find(Class<T> type, long handle) {
    return handles.find(type, handle);
  }

  /** Returns the device's memory. */
  public EmulatedMemory memory() {
    return memory;
  }

  public int computeCapability() {
    return computeCapability;
  }

  /** Returns whether tensor cores cut off what they do not read of a factor. */
  public boolean truncatesFactors() {
    return truncatesFactors;
  }

  /** Returns whether a context is current in the calling thread. */
  public boolean hasContext() {
    return driver.hasContext();
  }

  /** Returns whether the calling thread is recording. */
  public boolean isCapturing() {
    return !capturesOfThisThread().isEmpty();
  }

  /** Does work in the order of a stream, or records it if the stream is captured. */
  public void submit(long stream, DeviceWork work) {
    driver.submit(stream, work);
  }

  /** Waits for all streams. */
  public void synchronize() {
    for (EmulatedStream stream : handles.all(EmulatedStream.class)) {
      doing(stream::drain);
    }
  }

  CallLog log() {
    return log;
  }

  HandleTable handles() {
    return handles;
  }

  int injectedResult() {
    return failure;
  }

  /** Returns the result that every call has from now on; 0 while the device works. */
  int lostWith() {
    return lostWith;
  }

  void lose(int result) {
    lostWith = result;
  }

  int gpus() {
    return gpus;
  }

  int clusterBlocks() {
    return clusterBlocks;
  }

  int driverVersion() {
    return driverVersion;
  }

  Integer refusalOf(int target) {
    return refusedTargets.get(target);
  }

  boolean runsKernels() {
    return runsKernels;
  }

  boolean works() {
    return works;
  }

  ExecutionOrder replayOrder() {
    return replayOrder;
  }

  boolean isReady() {
    return ready;
  }

  boolean worksLate() {
    return late;
  }

  long freeBytes() {
    return capacity - allocated;
  }

  void allocated(long bytes) {
    allocated += bytes;
  }

  void launched(MemorySegment params) {
    kernelParams = params;
  }

  void countOperation() {
    operations++;
  }

  void began(Capture capture) {
    captures.add(capture);
  }

  void ended(Capture capture) {
    captures.remove(capture);
  }

  void recorded(EmulatedGraph graph) {
    recordings.add(graph.nodes().stream().map(node -> node.work().name()).toList());
  }

  List<Capture> capturesOfThisThread() {
    return captures.stream().filter(c -> c.thread() == Thread.currentThread()).toList();
  }

  /** Runs work; after a fault nothing that was queued behind it is worth running. */
  void doing(Runnable work) {
    try {
      work.run();
    } catch (EmulatorFault e) {
      handles.all(EmulatedStream.class).forEach(EmulatedStream::abandon);
      throw e;
    }
  }
}
