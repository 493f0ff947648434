package io.github.distillcuda.emulator.device;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.distillcuda.emulator.fault.EmulatorFault;
import io.github.distillcuda.emulator.fault.FaultKind;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.ffi.CudaConstants;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** The rules of native-notes/emulated-device.md for contexts, memory, streams and events. */
class EmulatedDriverTest extends DriverFixture {
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
    driver.cuStreamSynchronize(side);
    assertThat(host.get(JAVA_BYTE, 0)).isEqualTo((byte) 5);

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
}
