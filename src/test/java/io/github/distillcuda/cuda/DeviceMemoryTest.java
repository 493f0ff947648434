package io.github.distillcuda.cuda;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.NativeException;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DeviceMemoryTest {
  private static final int MEBIBYTE = 1 << 20;

  private final EmulatedDevice device = new EmulatedDevice();
  private final CudaDriverApi driver = device.driver();
  private final DeviceScope scope = new DeviceScope();
  private CudaContext context;
  private CudaStream stream;

  @BeforeEach
  void open() {
    context = scope.own(CudaContext.open(driver, 0));
    stream = scope.own(CudaStream.create(context, "main"));
  }

  @AfterEach
  void everythingIsFreed() {
    scope.close();
    assertThat(device.live()).isEmpty();
    assertThat(context.memory().liveBytes()).isZero();
  }

  private DeviceBuffer buffer(String name, long byteSize) {
    return scope.own(context.memory().allocate(name, byteSize));
  }

  @Test
  void liveBytesAreCounted() {
    assertThat(context.memory().liveBytes()).isZero();
    DeviceBuffer first = buffer("a", 1000);
    buffer("b", 24);
    assertThat(context.memory().liveBytes()).isEqualTo(1024);
    first.close();
    assertThat(context.memory().liveBytes()).isEqualTo(24);
  }

  @Test
  void noRoomSaysWhatIsNeededAndWhatIsThere() {
    for (int i = 1; i <= 7; i++) {
      buffer("buffer" + i, i * MEBIBYTE);
    }
    device.withFreeBytes(9 * MEBIBYTE);
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(() -> buffer("conv2.output", 10 * MEBIBYTE + 1))
        .withMessage(
            "GPU memory: conv2.output needs 11 MiB, 9 MiB of 81920 MiB are free; the largest "
                + "buffers are buffer7 7 MiB, buffer6 6 MiB, buffer5 5 MiB, buffer4 4 MiB, "
                + "buffer3 3 MiB")
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE_MEMORY));
    assertThat(context.memory().liveBytes()).isEqualTo(28 * MEBIBYTE);
  }

  @Test
  void anEmptyBufferIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> buffer("nothing", 0))
        .withMessage("nothing has 0 bytes");
  }

  @Test
  void rangesOutsideOfABufferAreRefused() {
    DeviceBuffer buffer = buffer("logits", 40);
    assertThat(buffer.address(40, 0)).isEqualTo(buffer.address() + 40);
    assertThat(buffer.address(8, 32)).isEqualTo(buffer.address() + 8);
    long[][] wrong = {{-1, 1}, {0, 41}, {8, 33}, {41, 0}, {0, -1}, {8, Long.MAX_VALUE}};
    for (long[] range : wrong) {
      assertThatExceptionOfType(IndexOutOfBoundsException.class)
          .isThrownBy(() -> buffer.address(range[0], range[1]))
          .withMessage(
              "DeviceBuffer logits has 40 bytes, not %d from %d".formatted(range[1], range[0]));
    }
  }

  @Test
  void copiesGoWhereTheyShould() {
    DeviceBuffer weights = buffer("weights", 64);
    DeviceBuffer other = buffer("other", 64);
    PinnedBuffer host = scope.own(PinnedBuffer.allocate(context, "host", 32));
    stream.clear(weights);
    stream.fill(other, 0, 64, (byte) 7);
    for (int i = 0; i < 32; i++) {
      host.memory().set(JAVA_BYTE, i, (byte) (100 + i));
    }
    stream.copyToDevice(host, 4, weights, 10, 8);
    stream.copy(weights, 9, other, 20, 10);
    stream.copyToHost(other, 19, host, 0, 12);

    assertThat(host.memory().asSlice(0, 12).toArray(JAVA_BYTE))
        .containsExactly(7, 0, 104, 105, 106, 107, 108, 109, 110, 111, 0, 7);
  }

  @Test
  void copiesOutsideOfABufferAreRefused() {
    DeviceBuffer weights = buffer("weights", 64);
    PinnedBuffer host = scope.own(PinnedBuffer.allocate(context, "host", 32));
    int calls = device.callCount();
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> stream.copyToDevice(host, 0, weights, 40, 32));
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> stream.copyToHost(weights, 0, host, 8, 32));
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> stream.copy(weights, 0, weights, 60, 8));
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> stream.fill(weights, 60, 8, (byte) 0));
    assertThat(device.calls()).hasSize(calls);
  }

  /** Sizes around the staging buffer's own: less, equal, more, and a last piece of one byte. */
  @Test
  void ordinaryMemoryIsCopiedInPieces() {
    HostStaging staging = scope.own(new HostStaging(stream, 16));
    DeviceBuffer weights = buffer("weights", 100);
    for (int size : new int[] {0, 1, 15, 16, 17, 32, 33, 90}) {
      byte[] sent = new byte[size];
      new Random(size).nextBytes(sent);
      byte[] received = new byte[size];
      stream.clear(weights);
      staging.copyToDevice(MemorySegment.ofArray(sent), weights, 10);
      staging.copyToHost(weights, 10, MemorySegment.ofArray(received));
      assertThat(received).isEqualTo(sent);
    }
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> staging.copyToDevice(MemorySegment.ofArray(new byte[91]), weights, 10));
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> staging.copyToHost(weights, 10, MemorySegment.ofArray(new byte[91])));
  }

  @Test
  void eventsOrderAndMeasure() {
    CudaStream side = scope.own(CudaStream.create(context, "side"));
    CudaEvent fork = scope.own(CudaEvent.create(context, "fork"));
    CudaEvent start = scope.own(CudaEvent.createTiming(context, "start"));
    CudaEvent end = scope.own(CudaEvent.createTiming(context, "end"));
    fork.record(stream);
    side.waitFor(fork);
    start.record(side);
    side.clear(buffer("work", 64));
    end.record(side);
    assertThat(fork.isDone()).isTrue();
    assertThat(end.millisecondsSince(start)).isPositive();
    assertThatExceptionOfType(NativeException.class)
        .as("an event that measures no time")
        .isThrownBy(() -> fork.millisecondsSince(start))
        .satisfies(e -> assertThat(e.code()).isEqualTo(400));
    device.ready(false);
    assertThat(fork.isDone()).isFalse();
    assertThat(device.calls())
        .contains("cuStreamCreateWithPriority(1, -5)")
        .contains("cuEventCreate(2)", "cuEventCreate(0)")
        .contains("cuStreamWaitEvent(0x%x, 0x%x, 0)".formatted(side.address(), fork.address()));
  }
}
