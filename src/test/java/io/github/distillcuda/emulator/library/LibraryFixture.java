package io.github.distillcuda.emulator.library;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.memory.HostBytes;
import io.github.distillcuda.emulator.memory.Region;
import io.github.distillcuda.ffi.CudaConstants;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.NativeException;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** A device with a context and a stream, and arrays on it, for tests of libraries. */
final class LibraryFixture {
  static final long WORKSPACE_BYTES = 1 << 16;

  final EmulatedDevice device = new EmulatedDevice();
  final CudaDriverApi driver = device.driver();
  final long stream;
  final long workspace;
  private final Random random = new Random(5);

  LibraryFixture() {
    driver.cuCtxSetCurrent(driver.cuDevicePrimaryCtxRetain(driver.cuDeviceGet(0)));
    stream = driver.cuStreamCreateWithPriority(CudaConstants.CU_STREAM_NON_BLOCKING, 0);
    workspace = driver.cuMemAlloc_v2(WORKSPACE_BYTES);
  }

  long allocate(int floats) {
    return driver.cuMemAlloc_v2(4L * floats);
  }

  long put(float... values) {
    long address = allocate(values.length);
    region(address).hostWrite(0, HostBytes.of(values));
    return address;
  }

  float[] get(long address) {
    Region region = region(address);
    return HostBytes.toFloats(region.hostRead(0, region.size()));
  }

  byte[] bytes(long address) {
    Region region = region(address);
    return region.hostRead(0, region.size());
  }

  private Region region(long address) {
    return device.memory().regionNear(address, 0);
  }

  /** Whole numbers from -4 to 4, whose sums are exact. */
  float[] numbers(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = random.nextInt(9) - 4;
    }
    return values;
  }

  /** Records work, and launches it as often as asked. */
  void replay(int times, Runnable work) {
    driver.cuStreamBeginCapture_v2(stream, CudaConstants.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
    work.run();
    long graph = driver.cuGraphInstantiateWithFlags(driver.cuStreamEndCapture(stream), 0);
    for (int i = 0; i < times; i++) {
      driver.cuGraphLaunch(graph, stream);
    }
  }

  static void assertFails(int status, ThrowingCallable call) {
    assertThatExceptionOfType(NativeException.class)
        .isThrownBy(call)
        .satisfies(e -> assertThat(e.code()).as(e.getMessage()).isEqualTo(status));
  }

  static void assertNotEmulated(String reason, ThrowingCallable call) {
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(call)
        .withMessageContaining("is not emulated: ")
        .withMessageContaining(reason);
  }
}
