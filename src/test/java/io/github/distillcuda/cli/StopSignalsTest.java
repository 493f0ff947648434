package io.github.distillcuda.cli;

import static io.github.distillcuda.failure.ExitCode.INTERRUPTED;
import static io.github.distillcuda.failure.ExitCode.TERMINATED;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class StopSignalsTest {
  private final List<String> asked = new ArrayList<>();
  private final StopSignals signals =
      new StopSignals(code -> asked.add("stop " + code), code -> asked.add("at once " + code));

  @Test
  void oneCtrlCThatBothProcessesHearCountsOnce() {
    signals.heardHere(INTERRUPTED);
    signals.heardByLauncher(INTERRUPTED);

    assertThat(asked).containsExactly("stop INTERRUPTED");
  }

  @Test
  void theLauncherMayBeHeardFirst() {
    signals.heardByLauncher(TERMINATED);
    signals.heardHere(TERMINATED);

    assertThat(asked).containsExactly("stop TERMINATED");
  }

  @Test
  void aSecondRequestEndsAtOnceWithTheCodeOfTheFirst() {
    signals.heardHere(INTERRUPTED);
    signals.heardByLauncher(INTERRUPTED);
    signals.heardByLauncher(TERMINATED);
    signals.heardHere(TERMINATED);

    assertThat(asked).containsExactly("stop INTERRUPTED", "at once INTERRUPTED");
  }

  @Test
  void withoutALauncherEachSignalCounts() {
    signals.heardHere(TERMINATED);
    signals.heardHere(INTERRUPTED);

    assertThat(asked).containsExactly("stop TERMINATED", "at once TERMINATED");
  }

  @Test
  void theLaunchersDeathIsARequestIfItIsTheFirst() {
    signals.launcherEnded();
    signals.heardHere(INTERRUPTED);

    assertThat(asked).containsExactly("stop TERMINATED", "at once TERMINATED");
  }

  @Test
  void theLaunchersDeathAfterARequestChangesNothing() {
    signals.heardHere(INTERRUPTED);
    signals.launcherEnded();

    assertThat(asked).containsExactly("stop INTERRUPTED");
  }
}
