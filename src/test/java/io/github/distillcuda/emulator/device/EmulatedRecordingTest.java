package io.github.distillcuda.emulator.device;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.NativeException;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The rules of native-notes/emulated-device.md for recordings and graphs. */
class EmulatedRecordingTest extends DriverFixture {
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
      driver::cuCtxSynchronize,
      () -> driver.cuMemAlloc_v2(8),
      () -> driver.cuMemAllocHost_v2(8),
      () -> driver.cuEventQuery(event)
    };
    for (ThrowingCallable call : calls) {
      capture(() -> fill(stream, 1));
      assertFails(CudaResults.CAPTURE_UNSUPPORTED, call);
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
    assertFails(CudaResults.CAPTURE_UNMATCHED, () -> driver.cuStreamEndCapture(side));
    assertFails(CudaResults.CAPTURE_UNJOINED, () -> driver.cuStreamEndCapture(stream));
    driver.cuStreamSynchronize(side); // it is not captured any more

    capture(fork);
    driver.cuEventRecord(event, side);
    driver.cuStreamWaitEvent(stream, event, 0);
    long graph = driver.cuStreamEndCapture(stream);
    assertThat(driver.cuGraphGetNodes(graph)).hasSize(1);
    assertFails(CudaResults.CAPTURED_EVENT, () -> driver.cuEventQuery(event));
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
    long ordered =
        graph(
            () -> {
              fork();
              fill(stream, 7);
              fork();
              driver.cuMemcpyDtoHAsync_v2(host, memory, side);
              join();
            });
    driver.cuGraphLaunch(ordered, stream);
    assertThat(host.get(JAVA_BYTE, 0)).isEqualTo((byte) 7);

    long other = driver.cuMemAlloc_v2(BYTES);
    long unordered =
        graph(
            () -> {
              fork();
              driver.cuMemsetD8Async(other, (byte) 7, BYTES, stream);
              driver.cuMemcpyDtoHAsync_v2(host, other, side);
              join();
            });
    assertThatExceptionOfType(EmulatorFault.class)
        .isThrownBy(() -> driver.cuGraphLaunch(unordered, stream))
        .withMessageContaining("cuMemcpyDtoHAsync_v2")
        .satisfies(e -> assertThat(e.kind()).isEqualTo(FaultKind.UNINITIALISED));
  }

  /** Neither order meets memory that was never written, and both are wrong. */
  @ParameterizedTest
  @EnumSource(names = {"FORWARD", "REVERSE"})
  void whatNothingOrdersSharesNoByteThatIsWritten(ExecutionOrder order) {
    device.replaying(order);
    fill(stream, 1);
    Runnable read = () -> driver.cuMemcpyDtoHAsync_v2(host, memory, stream);
    Runnable write = () -> driver.cuMemsetD8Async(memory + 8, (byte) 2, 8, side);

    assertRaces(
        "nothing orders cuMemcpyDtoHAsync_v2 (node 0) and cuMemsetD8Async (node 1) of a graph: "
            + "one reads and the other writes offset 8 of",
        read,
        write);
    assertRaces("one writes and the other reads offset 8 of", write, read);
    assertRaces("both write offset 8 of", write, () -> fill(stream, 3));
  }

  @Test
  void halvesOfAnAllocationAreTwoThings() {
    long graph =
        graph(
            () -> {
              fork();
              driver.cuMemsetD8Async(memory, (byte) 1, BYTES / 2, stream);
              driver.cuMemsetD8Async(memory + BYTES / 2, (byte) 2, BYTES / 2, side);
              join();
              driver.cuMemcpyDtoHAsync_v2(host, memory, stream);
            });
    driver.cuGraphLaunch(graph, stream);
    assertThat(host.get(JAVA_BYTE, BYTES / 2 - 1)).isEqualTo((byte) 1);
    assertThat(host.get(JAVA_BYTE, BYTES / 2)).isEqualTo((byte) 2);
  }

  private void assertRaces(String reason, Runnable first, Runnable second) {
    long graph =
        graph(
            () -> {
              fork();
              first.run();
              second.run();
              join();
            });
    assertThatExceptionOfType(EmulatorFault.class)
        .isThrownBy(() -> driver.cuGraphLaunch(graph, stream))
        .withMessageContaining(reason)
        .satisfies(e -> assertThat(e.kind()).isEqualTo(FaultKind.RACE));
  }

  /** What comes next in the side stream follows what the first stream has done. */
  private void fork() {
    driver.cuEventRecord(event, stream);
    driver.cuStreamWaitEvent(side, event, 0);
  }

  /** And the other way round. */
  private void join() {
    driver.cuEventRecord(event, side);
    driver.cuStreamWaitEvent(stream, event, 0);
  }
}
