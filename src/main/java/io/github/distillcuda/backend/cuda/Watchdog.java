package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.cuda.CudaContext;
import io.github.distillcuda.cuda.CudaEvent;
import io.github.distillcuda.cuda.CudaStream;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * Waits for the device, but not for ever: a kernel that does not end would otherwise hang the
 * program in a call of the driver that nothing can interrupt.
 */
final class Watchdog {
  /** Most waits are shorter, and a sleep would be longer than they are. */
  private static final long SPIN_NANOS = 2_000_000;

  private static final long SLEEP_NANOS = 50_000;

  private final CudaContext context;
  private final CudaEvent event;
  private final Duration patience;

  Watchdog(CudaContext context, CudaEvent event, Duration patience) {
    this.context = context;
    this.event = event;
    this.patience = patience;
  }

  /**
   * Waits for the work in a stream.
   *
   * @throws io.github.distillcuda.failure.DistillException DEVICE if the GPU is lost, or past the
   *     deadline, from which on it counts as lost
   */
  void await(CudaStream stream) {
    event.record(stream);
    long start = System.nanoTime();
    while (!event.isDone()) {
      long waited = System.nanoTime() - start;
      if (waited > patience.toNanos()) {
        throw context.giveUp("its work has not ended within %d s".formatted(patience.toSeconds()));
      }
      if (waited < SPIN_NANOS) {
        Thread.onSpinWait();
      } else {
        LockSupport.parkNanos(SLEEP_NANOS);
      }
    }
  }
}
