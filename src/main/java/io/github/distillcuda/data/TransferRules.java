package io.github.distillcuda.data;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * How patient a download is. Tests have a shorter patience and a clock of their own.
 *
 * @param bytesPerSecond a server slower than this ...
 * @param rateWindow ... over this long is left for the next one
 * @param connectTimeout how long a server may take to be reached
 * @param attempts tries per server, as long as trying again may help
 * @param backoff the pause before the second try; each further one is twice as long
 * @param nanoTime a clock in nanoseconds
 * @param sleeper how to pause
 */
record TransferRules(
    long bytesPerSecond,
    Duration rateWindow,
    Duration connectTimeout,
    int attempts,
    Duration backoff,
    LongSupplier nanoTime,
    Sleeper sleeper) {
  /** Waits; a test only notes it. */
  interface Sleeper {
    void sleep(Duration pause) throws InterruptedException;
  }

  static final TransferRules STANDARD =
      new TransferRules(
          300_000,
          Duration.ofSeconds(15),
          Duration.ofSeconds(10),
          3,
          Duration.ofSeconds(1),
          System::nanoTime,
          Thread::sleep);
}
