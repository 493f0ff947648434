package io.github.distillcuda.cuda;

import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.CudaLatch;
import io.github.distillcuda.ffi.NativeException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The part of a driver without a GPU that knows devices and contexts, which calls were made, and
 * which handles are alive. Any one call can be made to fail.
 */
abstract class FakeDevice implements CudaDriverApi {
  private final CudaLatch latch = new CudaLatch();
  private final List<String> calls = new ArrayList<>();
  private final Map<Long, String> live = new TreeMap<>();
  private final ThreadLocal<Long> current = ThreadLocal.withInitial(() -> 0L);
  private long nextHandle = 0x1000;
  private int failingCall = -1;
  private int failure;
  private int computeCapability = 90;

  /** Lets the call of this number, from 0, fail with a result. */
  void failCall(int number, int result) {
    failingCall = number;
    failure = result;
  }

  /** Returns all calls with their arguments. */
  List<String> calls() {
    return calls;
  }

  /** Returns the functions called, without their arguments. */
  List<String> functions() {
    return calls.stream().map(call -> call.substring(0, call.indexOf('('))).toList();
  }

  /** Returns handle and kind of what is alive. */
  Map<Long, String> live() {
    return live;
  }

  @Override
  public CudaLatch latch() {
    return latch;
  }

  final void setComputeCapability(int value) {
    computeCapability = value;
  }

  /** Every call comes through here first. */
  final void call(String function, Object... arguments) {
    latch.requireUsable(function);
    String shown = Arrays.stream(arguments).map(FakeDevice::show).collect(Collectors.joining(", "));
    int number = calls.size();
    calls.add(function + "(" + shown + ")");
    if (number == failingCall) {
      fail(failure);
    }
  }

  private static String show(Object argument) {
    return switch (argument) {
      case Long value -> "0x%x".formatted(value);
      case MemorySegment segment -> segment.byteSize() + " bytes";
      default -> argument.toString();
    };
  }

  /** Throws; the result is for callers that must return something. */
  final <T> T fail(int result) {
    throw latch.driverFailure(
        new NativeException(calls.getLast(), "CUDA_ERROR_" + result, result, "says the fake"));
  }

  /** Most functions need the context to be current in the calling thread. */
  final void callInContext(String function, Object... arguments) {
    call(function, arguments);
    if (!"context".equals(live.get(current.get()))) {
      fail(201);
    }
  }

  final long create(String kind) {
    live.put(nextHandle, kind);
    return nextHandle++;
  }

  /** Returns a number for something that is never destroyed. */
  final long number() {
    return nextHandle++;
  }

  final void register(String kind, long handle) {
    live.put(handle, kind);
  }

  final void require(String kind, long handle) {
    if (!kind.equals(live.get(handle))) {
      fail(CudaConstants.CUDA_ERROR_INVALID_HANDLE);
    }
  }

  final void destroy(String kind, long handle) {
    require(kind, handle);
    live.remove(handle);
  }

  @Override
  public void cuInit(int flags) {
    call("cuInit", flags);
  }

  @Override
  public int cuDriverGetVersion() {
    call("cuDriverGetVersion");
    return 13_000;
  }

  @Override
  public int cuDeviceGetCount() {
    call("cuDeviceGetCount");
    return 2;
  }

  @Override
  public int cuDeviceGet(int ordinal) {
    call("cuDeviceGet", ordinal);
    return ordinal + 10;
  }

  @Override
  public String cuDeviceGetName(int device) {
    call("cuDeviceGetName", device);
    return "Fake GPU";
  }

  @Override
  public int cuDeviceGetAttribute(int attribute, int device) {
    call("cuDeviceGetAttribute", attribute, device);
    return switch (attribute) {
      case CudaConstants.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR -> computeCapability / 10;
      case CudaConstants.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR -> computeCapability % 10;
      default -> 132;
    };
  }

  @Override
  public long cuDeviceTotalMem_v2(int device) {
    call("cuDeviceTotalMem_v2", device);
    return 80L << 30;
  }

  @Override
  public long cuDevicePrimaryCtxRetain(int device) {
    call("cuDevicePrimaryCtxRetain", device);
    return create("context");
  }

  @Override
  public void cuDevicePrimaryCtxRelease_v2(int device) {
    call("cuDevicePrimaryCtxRelease_v2", device);
    live.values().remove("context");
  }

  @Override
  public void cuCtxSetCurrent(long context) {
    call("cuCtxSetCurrent", context);
    current.set(context);
  }

  @Override
  public void cuCtxSynchronize() {
    callInContext("cuCtxSynchronize");
  }

  @Override
  public int[] cuCtxGetStreamPriorityRange() {
    callInContext("cuCtxGetStreamPriorityRange");
    return new int[] {0, -5};
  }
}
