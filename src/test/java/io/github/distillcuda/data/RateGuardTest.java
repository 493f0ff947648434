package io.github.distillcuda.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RateGuardTest {
  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 5_000_000_000L); // it may wrap
  private final RateGuard guard = new RateGuard(300_000, Duration.ofSeconds(15), clock::get);

  private void pass(double seconds) {
    clock.addAndGet((long) (seconds * 1e9));
  }

  @Test
  void slowOnlyAfterAWholeWindow() {
    for (int second = 1; second < 15; second++) {
      pass(1);
      assertThat(guard.received(1000)).isEmpty();
    }
    pass(1);
    assertThat(guard.received(1000)).hasValue(1000);
    assertThat(guard.tooSlow(1000)).isEqualTo("too slow: 1 kB/s over 15 s, the limit is 300 kB/s");
  }

  @Test
  void fastEnoughGoesOn() {
    for (int window = 0; window < 4; window++) {
      pass(15);
      assertThat(guard.received(15 * 300_000)).isEmpty();
    }
    pass(15);
    assertThat(guard.received(15 * 300_000 - 15)).hasValue(299_999);
  }

  /** A fast start does not buy time: every window counts for itself. */
  @Test
  void fastStartDoesNotExcuseALaterWindow() {
    pass(15);
    assertThat(guard.received(100_000_000)).isEmpty();
    pass(16);
    assertThat(guard.received(1_000_000)).hasValue(62_500);
  }
}
