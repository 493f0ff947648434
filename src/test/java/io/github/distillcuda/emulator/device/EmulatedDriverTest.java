package io.github.distillcuda.emulator.device;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.NativeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each rule of native-notes/emulated-device.md that the emulated driver enforces. */
class EmulatedDriverTest {
  private static final int MODE = CudaConstants.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
  private static final int BYTES = 64;

  private final EmulatedDevice device = new EmulatedDevice();
  private final CudaDriverApi driver = device.driver();
  private long stream;
  private long side;
  private long memory;
  private long event;
  private MemorySegment host;

  @BeforeEach
  void open() {
    driver.cuInit(0);
    driver.cuCtxSetCurrent(driver.cuDevicePrimaryCtxRetain(driver.cuDeviceGet(0)));
    stream = newStream();
    side = newStream();
    memory = driver.cuMemAlloc_v2(BYTES);
    event = driver.cuEventCreate(CudaConstants.CU_EVENT_DISABLE_TIMING);
    host = driver.cuMemAllocHost_v2(BYTES);
  }

  private long newStream() {
    return driver.cuStreamCreateWithPriority(CudaConstants.CU_STREAM_NON_BLOCKING, 0);
  }

  private void fill(long in, int value) {
    driver.cuMemsetD8Async(memory, (byte) value, BYTES, in);
  }

  private void capture(Runnable work) {
    driver.cuStreamBeginCapture_v2(stream, MODE);
    work.run();
  }

  private long graph(Runnable work) {
    capture(work);
    return driver.cuGraphInstantiateWithFlags(driver.cuStreamEndCapture(stream), 0);
  }

  private static void assertFails(int result, ThrowingCallable call) {
    assertThatExceptionOfType(NativeException.class)
        .isThrownBy(call)
        .satisfies(e -> assertThat(e.code()).as(e.getMessage()).isEqualTo(result));
  }

  private static void assertNotEmulated(String reason, ThrowingCallable call) {
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(call)
        .withMessageContaining("is not emulated: ")
        .withMessageContaining(reason);
  }

  // ---- Recordings

  @Test
  void whatIsRecordedIsDoneAtEachLaunchAndNotBefore() {
    fill(stream, 1);
    long graph = graph(() -> driver.cuMemcpyDtoHAsync_v2(host, memory, stream));
    fill(stream, 2);
    assertThat(host.get(JAVA_BYTE, 0)).isZero();
    driver.cuGraphLaunch(graph, stream);
    assertThat(host.get(JAVA_BYTE, 0)).isEqualTo((byte) 2);
    fill(stream, 3);
    driver.cuGraphLaunch(graph, stream);
    assertThat(host.get(JAVA_BYTE, 0)).isEqualTo((byte) 3);
  }

  @Test
  void waitingOrAllocatingSpoilsTheRecording() {
    ThrowingCallable[] calls = {
      () -> driver.cuStreamSynchronize(stream),
      () -> driver.cuStreamQuery(stream),
      driver::cuCtxSynchronize,
      () -> driver.cuMemAlloc_v2(8),
      () -> driver.cuMemAllocHost_v2(8),
      () -> driver.cuEventSynchronize(event),
      () -> driver.cuEventQuery(event)
    };
    for (ThrowingCallable call : calls) {
      capture(() -> fill(stream, 1));
      assertFails(CudaResults.CAPTURE_UNSUPPORTED, call);
      assertThat(driver.cuStreamIsCapturing(stream))
          .isEqualTo(CudaConstants.CU_STREAM_CAPTURE_STATUS_INVALIDATED);
      assertFails(CudaResults.CAPTURE_INVALIDATED, () -> fill(stream, 1));
      assertFails(CudaResults.CAPTURE_INVALIDATED, () -> driver.cuStreamEndCapture(stream));
      driver.cuStreamSynchronize(stream);
    }
    assertThat(device.live()).doesNotContainValue("graph");
  }

  @Test
  void freeingSpoilsTheRecording() {
    capture(() -> fill(stream, 1));
    assertFails(CudaResults.CAPTURE_UNSUPPORTED, () -> driver.cuMemFree_v2(memory));
    assertFails(CudaResults.CAPTURE_INVALIDATED, () -> driver.cuStreamEndCapture(stream));
  }

  @Test
  void aStreamJoinsByAnEventAndMustBeJoined() {
    Runnable fork =
        () -> {
          driver.cuEventRecord(event, stream);
          driver.cuStreamWaitEvent(side, event, 0);
          fill(side, 1);
        };
    capture(fork);
    assertThat(driver.cuStreamIsCapturing(side))
        .isEqualTo(CudaConstants.CU_STREAM_CAPTURE_STATUS_ACTIVE);
    assertFails(CudaResults.CAPTURE_UNMATCHED, () -> driver.cuStreamEndCapture(side));
    assertFails(CudaResults.CAPTURE_UNJOINED, () -> driver.cuStreamEndCapture(stream));
    assertThat(driver.cuStreamIsCapturing(side))
        .isEqualTo(CudaConstants.CU_STREAM_CAPTURE_STATUS_NONE);

    capture(fork);
    driver.cuEventRecord(event, side);
    driver.cuStreamWaitEvent(stream, event, 0);
    long graph = driver.cuStreamEndCapture(stream);
    assertThat(driver.cuGraphGetNodes(graph)).hasSize(1);
    assertFails(CudaResults.CAPTURED_EVENT, () -> driver.cuEventSynchronize(event));
    assertNotEmulated("has ended", () -> driver.cuStreamWaitEvent(stream, event, 0));
  }

  @Test
  void recordingsKeepToThemselves() {
    long outside = driver.cuEventCreate(CudaConstants.CU_EVENT_DISABLE_TIMING);
    driver.cuEventRecord(outside, side);
    capture(() -> fill(stream, 1));
    assertFails(CudaResults.CAPTURE_ISOLATION, () -> driver.cuStreamWaitEvent(stream, outside, 0));
    assertFails(CudaResults.CAPTURE_INVALIDATED, () -> driver.cuStreamEndCapture(stream));

    capture(() -> driver.cuEventRecord(event, stream));
    driver.cuStreamBeginCapture_v2(side, MODE);
    assertFails(CudaResults.CAPTURE_MERGE, () -> driver.cuStreamWaitEvent(side, event, 0));
    assertFails(CudaResults.CAPTURE_INVALIDATED, () -> driver.cuStreamEndCapture(side));
    assertFails(CudaResults.CAPTURE_INVALIDATED, () -> driver.cuStreamEndCapture(stream));
  }

  @Test
  void aCapturedEventIsNoPlaceToWaitFor() {
    capture(() -> driver.cuEventRecord(event, stream));
    assertFails(CudaResults.CAPTURED_EVENT, () -> driver.cuEventQuery(event));
    assertFails(CudaResults.CAPTURE_INVALIDATED, () -> driver.cuStreamEndCapture(stream));
  }

  @Test
  void aRecordingEndsWhereItBeganAndOnce() throws InterruptedException {
    assertFails(CudaResults.ILLEGAL_STATE, () -> driver.cuStreamEndCapture(stream));
    capture(() -> {});
    assertFails(CudaResults.ILLEGAL_STATE, () -> driver.cuStreamBeginCapture_v2(stream, MODE));
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                driver.cuCtxSetCurrent(driver.cuDevicePrimaryCtxRetain(driver.cuDeviceGet(0)));
                driver.cuStreamEndCapture(stream);
              } catch (NativeException e) {
                failure.set(e);
              }
            });
    thread.start();
    thread.join();
    assertThat(((NativeException) failure.get()).code())
        .isEqualTo(CudaResults.CAPTURE_WRONG_THREAD);
    driver.cuGraphDestroy(driver.cuStreamEndCapture(stream));
  }

  /** What nothing orders may run in any order: the second of two branches first. */
  @Test
  void aMissingDependencyShows() {
    device.replaying(ExecutionOrder.REVERSE);
    Runnable fork =
        () -> {
          driver.cuEventRecord(event, stream);
          driver.cuStreamWaitEvent(side, event, 0);
        };
    Runnable join =
        () -> {
          driver.cuEventRecord(event, side);
          driver.cuStreamWaitEvent(stream, event, 0);
        };
    long ordered =
        graph(
            () -> {
              fork.run();
              fill(stream, 7);
              fork.run();
              driver.cuMemcpyDtoHAsync_v2(host, memory, side);
              join.run();
            });
    driver.cuGraphLaunch(ordered, stream);
    assertThat(host.get(JAVA_BYTE, 0)).isEqualTo((byte) 7);

    long other = driver.cuMemAlloc_v2(BYTES);
    long unordered =
        graph(
            () -> {
              fork.run();
              driver.cuMemsetD8Async(other, (byte) 7, BYTES, stream);
              driver.cuMemcpyDtoHAsync_v2(host, other, side);
              join.run();
            });
    assertThatExceptionOfType(EmulatorFault.class)
        .isThrownBy(() -> driver.cuGraphLaunch(unordered, stream))
        .withMessageContaining("cuMemcpyDtoHAsync_v2")
        .satisfies(e -> assertThat(e.kind()).isEqualTo(FaultKind.UNINITIALISED));
  }

  // ---- Streams, events, memory

  @Test
  void workThatIsDoneLateIsThereOnceSomebodyWaited() {
    device.workLate();
    fill(stream, 5);
    driver.cuEventRecord(event, stream);
    driver.cuStreamWaitEvent(side, event, 0);
    driver.cuMemcpyDtoHAsync_v2(host, memory, side);
    assertThat(host.get(JAVA_BYTE, 0)).isZero();
    assertThat(driver.cuEventQuery(event)).isFalse();
    assertThat(driver.cuEventQuery(event)).isTrue();
    assertThat(driver.cuStreamQuery(side)).isFalse();
    assertThat(host.get(JAVA_BYTE, 0)).isEqualTo((byte) 5);
    assertThat(driver.cuStreamQuery(side)).isTrue();

    // Without the event the other stream is not waited for.
    long other = driver.cuMemAlloc_v2(BYTES);
    driver.cuMemsetD8Async(other, (byte) 1, BYTES, stream);
    driver.cuMemcpyDtoHAsync_v2(host, other, side);
    assertThatExceptionOfType(EmulatorFault.class)
        .isThrownBy(() -> driver.cuStreamSynchronize(side))
        .satisfies(e -> assertThat(e.kind()).isEqualTo(FaultKind.UNINITIALISED));
  }

  @Test
  void memoryEndsAndHasEnds() {
    assertFails(1, () -> driver.cuMemAlloc_v2(0));
    device.withFreeBytes(100);
    assertFails(CudaConstants.CUDA_ERROR_OUT_OF_MEMORY, () -> driver.cuMemAlloc_v2(101));
    assertThat(driver.cuMemGetInfo_v2()[0]).isEqualTo(100);
    assertFails(1, () -> driver.cuMemsetD8Async(memory + 1, (byte) 0, BYTES, stream));
    assertFails(1, () -> driver.cuMemcpyDtoDAsync_v2(memory, memory + 8, 16, stream));
    driver.cuMemFree_v2(memory);
    assertThat(driver.cuMemGetInfo_v2()[0]).isEqualTo(100 + BYTES);
    assertFails(1, () -> driver.cuMemFree_v2(memory));
    assertFails(1, () -> fill(stream, 1));
  }

  @Test
  void whatWasNeverWrittenIsNotRead() {
    assertThatExceptionOfType(EmulatorFault.class)
        .isThrownBy(() -> driver.cuMemcpyDtoHAsync_v2(host, memory, stream))
        .satisfies(e -> assertThat(e.kind()).isEqualTo(FaultKind.UNINITIALISED));
  }

  @Test
  void whatIsNotEmulatedIsRefusedByName() {
    assertNotEmulated("the default stream", () -> fill(0, 1));
    assertNotEmulated("the default stream", () -> driver.cuStreamCreateWithPriority(0, 0));
    assertNotEmulated("mode", () -> driver.cuStreamBeginCapture_v2(stream, 0));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pageable = arena.allocate(BYTES);
      assertNotEmulated(
          "not page-locked", () -> driver.cuMemcpyHtoDAsync_v2(memory, pageable, stream));
    }
  }

  @Test
  void aThreadWithoutTheContextIsRefused() {
    driver.cuCtxSetCurrent(0);
    assertFails(CudaResults.NO_CONTEXT, () -> driver.cuMemAlloc_v2(8));
    assertFails(CudaResults.NO_CONTEXT, () -> driver.cuStreamSynchronize(stream));
  }

  @Test
  void aCallCanBeMadeToFailAndAStickyResultStays() {
    device.failCall(device.callCount(), 999);
    assertFails(999, () -> fill(stream, 1));
    fill(stream, 1);
    device.failCall(device.callCount(), CudaConstants.CUDA_ERROR_ILLEGAL_ADDRESS);
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(() -> fill(stream, 1))
        .withMessageContaining("the GPU is lost");
    int calls = device.callCount();
    assertThatExceptionOfType(DistillException.class).isThrownBy(() -> fill(stream, 1));
    assertThat(device.callCount()).isEqualTo(calls);
  }

  // ---- Modules and kernels

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
    assertFails(
        CudaConstants.CUDA_ERROR_NOT_FOUND, () -> driver.cuModuleGetFunction(module, "other"));
    long function = driver.cuModuleGetFunction(module, "nothing");
    launch(function, 64, 0);
    driver.cuModuleUnload(module);
    assertFails(CudaConstants.CUDA_ERROR_INVALID_HANDLE, () -> launch(function, 64, 0));
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
