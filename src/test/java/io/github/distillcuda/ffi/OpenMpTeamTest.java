package io.github.distillcuda.ffi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.lang.foreign.Arena;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OpenMpTeamTest {
  private final GompApi gomp = OnednnLibrary.load().gomp();

  @ParameterizedTest(name = "{0} threads")
  @ValueSource(ints = {1, 2, 3})
  void everyPartRunsOnceOnAThreadOfItsOwn(int threads) {
    try (Arena arena = Arena.ofConfined()) {
      OpenMpTeam team = new OpenMpTeam(gomp, threads, arena);
      for (int repeat = 0; repeat < 50; repeat++) {
        int[] runs = new int[threads];
        Set<Thread> seen = ConcurrentHashMap.newKeySet();
        team.run(
            (part, parts) -> {
              assertThat(parts).isEqualTo(threads);
              runs[part]++;
              seen.add(Thread.currentThread());
            });
        assertThat(runs).containsOnly(1);
        assertThat(seen).hasSize(threads).contains(Thread.currentThread());
      }
    }
  }

  @Test
  void whatAPartThrowsReachesTheCallerAndTheTeamGoesOn() {
    try (Arena arena = Arena.ofConfined()) {
      OpenMpTeam team = new OpenMpTeam(gomp, 2, arena);
      for (int bad = 0; bad < 2; bad++) {
        int failing = bad;
        OpenMpTeam.Task task =
            (part, parts) -> {
              if (part == failing) {
                throw new IllegalStateException("part " + part);
              }
            };
        assertThatExceptionOfType(IllegalStateException.class)
            .isThrownBy(() -> team.run(task))
            .withMessage("part " + bad);
      }
      AtomicInteger runs = new AtomicInteger();
      team.run((part, parts) -> runs.incrementAndGet());
      assertThat(runs).hasValue(2);
    }
  }

  /** OpenMP ends a team's other threads with the thread it belongs to. */
  @Test
  void ownersComeAndGo() throws InterruptedException {
    AtomicInteger runs = new AtomicInteger();
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    for (int i = 0; i < 5; i++) {
      Thread owner =
          new Thread(
              () -> {
                try (Arena arena = Arena.ofConfined()) {
                  new OpenMpTeam(gomp, 2, arena).run((part, parts) -> runs.incrementAndGet());
                }
              });
      owner.setUncaughtExceptionHandler((thread, e) -> thrown.set(e));
      owner.start();
      owner.join();
    }
    assertThat(thrown.get()).isNull();
    assertThat(runs).hasValue(10);
  }
}
