package io.github.distillcuda.train;

import io.github.distillcuda.backend.AdamSpec;
import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.nn.Network;
import io.github.distillcuda.tensor.Tensor;
import java.util.List;

/**
 * One training step, recorded: what the whole design serves.
 *
 * @param program runs it
 * @param logits of the network in training, as the last run left them
 * @param teacherLogits the teacher's of the same rows; null where the loss reads none
 */
record TrainingStep(StepProgram program, Tensor logits, Tensor teacherLogits) {
  /**
   * Records a step of {@code rows} images: gather, teacher, forward, loss, backward, Adam.
   *
   * @param state the state that this program and its sibling for other rows share
   */
  static TrainingStep record(
      Backend backend, TrainingTask task, ResidentDataset data, StepState state, int rows) {
    StepRecorder step = backend.record(rows);
    LogitsTable cache =
        task.teacher() instanceof TeacherSource.Cached cached ? cached.table() : null;
    Batch batch = step.gather(data, state, cache);
    Tensor teacherLogits =
        switch (task.teacher()) {
          case TeacherSource.None() -> null;
          case TeacherSource.Cached _ -> batch.teacherLogits();
          case TeacherSource.Recomputed(Network teacher) ->
              Network.logits(teacher.forward(step, batch.images(), false));
        };
    Network network = task.network();
    List<LayerPass> passes = network.forward(step, batch.images(), true);
    Tensor logits = Network.logits(passes);
    Tensor gradLogits = step.loss(task.loss(), logits, teacherLogits, batch, state);
    network.backward(step, passes, gradLogits);
    network.adam(step, AdamSpec.withLearningRate(task.settings().learningRate()), state);
    step.advance(state);
    return new TrainingStep(step.build(), logits, teacherLogits);
  }
}
