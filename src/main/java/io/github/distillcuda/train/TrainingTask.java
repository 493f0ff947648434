package io.github.distillcuda.train;

import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.nn.Network;

/**
 * One model to train.
 *
 * @param role which model of the run it is
 * @param network what is trained
 * @param loss the loss; {@link LossSpec#CROSS_ENTROPY} where there is no teacher
 * @param teacher where the teacher's logits come from
 * @param settings how
 */
public record TrainingTask(
    ModelRole role,
    Network network,
    LossSpec loss,
    TeacherSource teacher,
    TrainingSettings settings) {
  /**
   * Checks that a loss which reads the teacher has one.
   *
   * @throws IllegalArgumentException if not
   */
  public TrainingTask {
    if (loss.readsTeacher() && teacher instanceof TeacherSource.None) {
      throw new IllegalArgumentException(role + ": the loss reads a teacher and there is none");
    }
  }
}
