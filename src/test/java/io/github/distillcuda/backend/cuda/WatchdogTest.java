package io.github.distillcuda.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.distillcuda.cuda.CudaContext;
import io.github.distillcuda.cuda.CudaEvent;
import io.github.distillcuda.cuda.CudaStream;
import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A step that never ends ends the run; and then the GPU is left alone, for it would block. */
class WatchdogTest {
  @Test
  void workWithoutAnEndIsGivenUp() {
    EmulatedDevice device = new EmulatedDevice();
    CudaContext context = CudaContext.open(device.driver(), 0);
    CudaStream stream = CudaStream.create(context, "main");
    CudaEvent event = CudaEvent.create(context, "watchdog");
    Watchdog watchdog = new Watchdog(context, event, Duration.ZERO);
    device.ready(false);
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(() -> watchdog.await(stream))
        .withMessageContaining("has not ended within 0 s")
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.DEVICE));
    int calls = device.callCount();
    assertThatExceptionOfType(DistillException.class)
        .isThrownBy(stream::synchronize)
        .withMessageContaining("the GPU is lost");
    event.close();
    stream.close();
    context.close();
    assertThat(device.callCount()).as("nothing would return").isEqualTo(calls);
  }

  @Test
  void workThatEndsIsWaitedFor() {
    EmulatedDevice device = new EmulatedDevice();
    try (CudaContext context = CudaContext.open(device.driver(), 0);
        CudaStream stream = CudaStream.create(context, "main");
        CudaEvent event = CudaEvent.create(context, "watchdog")) {
      assertThatCode(() -> new Watchdog(context, event, Duration.ofMinutes(2)).await(stream))
          .doesNotThrowAnyException();
    }
    assertThat(device.live()).isEmpty();
  }
}
