package io.github.distillcuda.data;

import java.time.Duration;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/** Watches the speed of a transfer: too slow is less than a rate over a whole window of time. */
final class RateGuard {
  private final long bytesPerSecond;
  private final long windowNanos;
  private final LongSupplier nanoTime;
  private long windowStart;
  private long windowBytes;

  RateGuard(long bytesPerSecond, Duration window, LongSupplier nanoTime) {
    this.bytesPerSecond = bytesPerSecond;
    this.windowNanos = window.toNanos();
    this.nanoTime = nanoTime;
    this.windowStart = nanoTime.getAsLong();
  }

  /**
   * Counts bytes as they come. Returns the rate in bytes a second if a window has just ended in
   * which too few came, else nothing.
   */
  OptionalLong received(int byteCount) {
    windowBytes += byteCount;
    long elapsed = nanoTime.getAsLong() - windowStart;
    if (elapsed < windowNanos) {
      return OptionalLong.empty();
    }
    long rate = (long) (windowBytes * 1e9 / elapsed);
    windowStart += elapsed;
    windowBytes = 0;
    return rate < bytesPerSecond ? OptionalLong.of(rate) : OptionalLong.empty();
  }

  /** Says the limit, and a rate below it. */
  String tooSlow(long rate) {
    return String.format(
        Locale.ROOT,
        "too slow: %d kB/s over %d s, the limit is %d kB/s",
        rate / 1000,
        windowNanos / 1_000_000_000,
        bytesPerSecond / 1000);
  }
}
