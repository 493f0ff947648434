package io.github.distillcuda.train;

import io.github.distillcuda.backend.StepProgress;
import java.util.List;

/**
 * How far one model's training has come.
 *
 * @param epoch the epoch in progress, from 1; one more than the epochs asked for at the end
 * @param progress the numbers of that epoch; the cursor is 0 between epochs
 * @param epochSeconds seconds of training spent in that epoch so far
 * @param history the epochs that are done
 */
public record TrainingPosition(
    int epoch, StepProgress progress, double epochSeconds, List<EpochRecord> history) {
  /** Before the first step. */
  public static final TrainingPosition START =
      new TrainingPosition(1, StepProgress.START, 0, List.of());
}
