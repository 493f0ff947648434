package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.cuda.RecordedStages.Row;
import io.github.distillcuda.backend.cuda.RecordedStages.Stage;
import io.github.distillcuda.cuda.CudaStream;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.GraphTimer;

/** A step as training launches it, for benchmarks that time it beside its stages. */
public final class WholeStep {
  private final CudaProgram program;

  public WholeStep(StepProgram program) {
    this.program = (CudaProgram) program;
  }

  /** Returns what times the step and its stages; limitMillis is for the replays of one of them. */
  public GraphTimer timer(DeviceScope scope, long limitMillis) {
    CudaStream stream = program.session().stream();
    return new GraphTimer(
        program.session().context(), stream, scope, stream::synchronize, limitMillis);
  }

  /**
   * Times the step: a part of the graph of several steps. Its stage has position 0, and floors that
   * are the sums of the others'.
   *
   * @param order of an epoch, with images for the graph behind a step
   */
  public Row time(RecordedStages stages, GraphTimer timer, int[] order) {
    stages.train(order);
    GraphTimer.Times times = timer.time(program.several(), stages::restore);
    return new Row(
        new Stage(
            0,
            "",
            "step",
            "both",
            "graph",
            stages.stages().stream().mapToLong(Stage::floorBytes).sum(),
            stages.stages().stream().mapToLong(Stage::flops).sum()),
        CudaProgram.UNROLLED,
        program.several().nodes(),
        times.dividedBy(CudaProgram.UNROLLED));
  }
}
