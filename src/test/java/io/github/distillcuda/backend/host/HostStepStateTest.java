package io.github.distillcuda.backend.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgress;
import org.junit.jupiter.api.Test;

class HostStepStateTest {
  private final HostStepState state = new HostStepState(() -> {});

  @Test
  void startsAtTheStart() {
    assertThat(state.read()).isEqualTo(StepProgress.START);
  }

  @Test
  void anEpochClearsItsSumsAndKeepsWhatBelongsToTheTraining() {
    state.restore(new StepProgress(5, 7, 1, 2, 3, 4, 6, 8));
    state.beginEpoch(new int[] {3, 1, 2});
    assertThat(state.read()).isEqualTo(new StepProgress(0, 7, 0, 0, 0, 0, 0, 8));
    assertThat(state.remaining()).isEqualTo(3);
    state.advance(2);
    assertThat(state.image(0)).isEqualTo(2);
    assertThat(state.remaining()).isEqualTo(1);
  }

  @Test
  void copiesTheOrder() {
    int[] order = {4, 5};
    state.beginEpoch(order);
    order[0] = 9;
    assertThat(state.image(0)).isEqualTo(4);
  }

  @Test
  void addsTheTermsOfBatches() {
    DistillationRows rows = new DistillationRows(2, 1, 0);
    float[] z = {0, 0, 0, 0};
    rows.compute(z, null, new int[] {0, ResidentDataset.NO_LABEL}, 2, new float[4]);
    state.add(rows, 2);
    state.add(rows, 2);
    StepProgress progress = state.read();
    assertThat(progress.crossEntropySum()).isEqualTo(2 * Math.log(2));
    assertThat(progress.lossSum()).isEqualTo(4 * Math.log(2));
    assertThat(progress.labelledRows()).isEqualTo(2);
    assertThat(progress.correct()).isEqualTo(2);
    assertThat(progress.firstNonFiniteStep()).isZero();
  }

  @Test
  void remembersTheFirstStepThatWasNotFinite() {
    state.nextOptimizerStep();
    assertThat(state.isStopped()).isFalse();
    state.noteNonFinite();
    state.nextOptimizerStep();
    state.noteNonFinite();
    assertThat(state.isStopped()).isTrue();
    assertThat(state.read().firstNonFiniteStep()).isEqualTo(2);
  }

  @Test
  void everyCallOfAUserIsGuarded() {
    HostStepState guarded =
        new HostStepState(
            () -> {
              throw new IllegalStateException("closed");
            });
    assertThatIllegalStateException().isThrownBy(guarded::read);
    assertThatIllegalStateException().isThrownBy(() -> guarded.beginEpoch(new int[1]));
    assertThatIllegalStateException().isThrownBy(() -> guarded.restore(StepProgress.START));
  }
}
