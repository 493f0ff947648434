package io.github.distillcuda.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudaDriverApi;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** The rules that all handles keep, on a driver without a GPU. */
class NativeHandleTest {
  private final EmulatedDevice device = new EmulatedDevice();
  private final CudaDriverApi driver = device.driver();

  @Test
  void aSecondCloseDoesNothing() {
    CudaContext context = CudaContext.open(driver, 0);
    DeviceBuffer buffer = context.memory().allocate("weights", 1000);
    buffer.close();
    buffer.close();
    context.close();
    context.close();
    assertThat(device.functions()).containsOnlyOnce("cuMemFree_v2", "cuDevicePrimaryCtxRelease_v2");
    assertThat(device.live()).isEmpty();
  }

  @Test
  void useAfterCloseNamesTheHandle() {
    try (CudaContext context = CudaContext.open(driver, 1)) {
      DeviceBuffer buffer = context.memory().allocate("conv1.weight", 1000);
      CudaStream stream = CudaStream.create(context, "main");
      buffer.close();
      int calls = device.callCount();
      assertThatIllegalStateException()
          .isThrownBy(buffer::address)
          .withMessage("DeviceBuffer conv1.weight is closed");
      assertThatIllegalStateException()
          .isThrownBy(() -> stream.clear(buffer))
          .withMessage("DeviceBuffer conv1.weight is closed");
      stream.close();
      assertThatIllegalStateException()
          .isThrownBy(stream::synchronize)
          .withMessage("CudaStream main is closed");
      assertThat(device.functions().subList(calls, device.callCount()))
          .containsExactly("cuStreamDestroy_v2");
    }
    CudaContext closed = CudaContext.open(driver, 1);
    closed.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> closed.memory().allocate("late", 8))
        .withMessage("CudaContext cuda:1 is closed");
  }

  @Test
  void anotherThreadIsRefused() throws InterruptedException {
    try (CudaContext context = CudaContext.open(driver, 0);
        CudaStream stream = CudaStream.create(context, "main")) {
      int calls = device.callCount();
      for (Runnable use :
          new Runnable[] {stream::synchronize, stream::close, context::synchronize}) {
        assertThat(failureIn("worker", use))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageMatching(
                "Cuda(Stream main|Context cuda:0) belongs to thread \".*\", not to \"worker\"");
      }
      assertThat(device.calls()).hasSize(calls);
      assertThat(stream.isClosed()).isFalse();
    }
    assertThat(device.live()).isEmpty();
  }

  @Test
  void aVirtualThreadIsRefused() throws InterruptedException {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread.ofVirtual()
        .start(() -> failure.set(failureOf(() -> CudaContext.open(driver, 0))))
        .join();
    assertThat(failure.get())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("virtual");
    assertThat(device.calls()).isEmpty();
  }

  @Test
  void aContextRefusesToCloseBeforeWhatIsInIt() {
    CudaContext context = CudaContext.open(driver, 0);
    CudaStream stream = CudaStream.create(context, "main");
    DeviceBuffer buffer = context.memory().allocate("logits", 40);
    assertThatIllegalStateException()
        .isThrownBy(context::close)
        .withMessage("CudaContext cuda:0 cannot close before CudaStream main, DeviceBuffer logits");
    buffer.close();
    stream.close();
    context.close();
    assertThat(device.live()).isEmpty();
  }

  /** Or the context would refuse to close. */
  @Test
  void whatFailsToCloseIsClosedAllTheSame() {
    try (CudaContext context = CudaContext.open(driver, 0)) {
      DeviceBuffer buffer = context.memory().allocate("logits", 40);
      device.failCall(device.callCount(), 1);
      assertThatExceptionOfType(RuntimeException.class)
          .isThrownBy(buffer::close)
          .withMessageContaining("cuMemFree_v2");
      assertThat(buffer.isClosed()).isTrue();
      assertThat(context.memory().liveBytes()).isZero();
    }
  }

  @Test
  void noGpuOfThisNumber() {
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(() -> CudaContext.open(driver, 2))
        .withMessage("no GPU has the number 2: there are 2, counted from 0")
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE));
    assertThat(device.live()).isEmpty();
  }

  @Test
  void theDeviceIsDescribed() {
    device.withComputeCapability(86);
    try (CudaContext context = CudaContext.open(driver, 1)) {
      assertThat(context.device())
          .hasToString(
              "cuda:1 Emulated GPU (compute capability 8.6, 132 multiprocessors, 81920 MiB, "
                  + "driver for CUDA 13.0)");
    }
  }

  private static Throwable failureIn(String threadName, Runnable use) throws InterruptedException {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread thread = new Thread(() -> failure.set(failureOf(use)), threadName);
    thread.start();
    thread.join();
    return failure.get();
  }

  private static Throwable failureOf(Runnable use) {
    try {
      use.run();
      return null;
    } catch (RuntimeException e) {
      return e;
    }
  }
}
