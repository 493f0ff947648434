package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.backend.cuda.RecordedStages;
import io.github.distillcuda.backend.cuda.RecordedStages.Row;
import io.github.distillcuda.backend.cuda.RecordedStages.Stage;
import io.github.distillcuda.backend.cuda.WholeStep;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.GraphTimer;
import java.util.function.Consumer;

/**
 * Times the distillation step of the published student on a GPU as one graph, and then each of the
 * operations that it recorded.
 */
final class StageBench {
  private final RunBench bench;
  private final Backend backend;
  private final long limitMillis;

  /**
   * Uploads random images.
   *
   * @param images at least nine batches
   * @param limitMillis for the replays of a stage
   */
  StageBench(Backend backend, int images, long limitMillis) {
    this.backend = backend;
    this.limitMillis = limitMillis;
    bench = new RunBench(backend, images);
  }

  /**
   * Times a step and its stages.
   *
   * @param rows takes the step, and then each stage, as they are measured
   */
  void measure(boolean cached, int batch, Consumer<Row> rows) {
    TrainingTask task = bench.task(cached, batch);
    StepState state = backend.createState();
    StepProgram program = TrainingStep.record(backend, task, bench.data(), state, batch).program();
    try (DeviceScope scope = new DeviceScope()) {
      RecordedStages recorded =
          new RecordedStages(program, state, task.network().parameters(), scope);
      WholeStep step = new WholeStep(program);
      GraphTimer timer = step.timer(scope, limitMillis);
      rows.accept(step.time(recorded, timer, bench.order()));
      for (Stage stage : recorded.stages()) {
        rows.accept(recorded.time(stage, timer, bench.order()));
      }
      recorded.train(bench.order()); // finite to the end
    }
  }
}
