package io.github.distillcuda.emulator.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.NativeException;
import java.lang.foreign.MemorySegment;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;

/** A device with a context, two streams, an event, and memory on both sides, for tests of rules. */
abstract class DriverFixture {
  static final int MODE = CudaConstants.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
  static final int BYTES = 64;

  final EmulatedDevice device = new EmulatedDevice();
  final CudaDriverApi driver = device.driver();
  long stream;
  long side;
  long memory;
  long event;
  MemorySegment host;

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

  long newStream() {
    return driver.cuStreamCreateWithPriority(CudaConstants.CU_STREAM_NON_BLOCKING, 0);
  }

  void fill(long in, int value) {
    driver.cuMemsetD8Async(memory, (byte) value, BYTES, in);
  }

  void capture(Runnable work) {
    driver.cuStreamBeginCapture_v2(stream, MODE);
    work.run();
  }

  long graph(Runnable work) {
    capture(work);
    return driver.cuGraphInstantiateWithFlags(driver.cuStreamEndCapture(stream), 0);
  }

  static void assertFails(int result, ThrowingCallable call) {
    assertThatExceptionOfType(NativeException.class)
        .isThrownBy(call)
        .satisfies(e -> assertThat(e.code()).as(e.getMessage()).isEqualTo(result));
  }

  static void assertNotEmulated(String reason, ThrowingCallable call) {
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(call)
        .withMessageContaining("is not emulated: ")
        .withMessageContaining(reason);
  }
}
