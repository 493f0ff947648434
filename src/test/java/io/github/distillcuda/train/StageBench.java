package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.backend.cuda.RecordedStages;
import io.github.distillcuda.backend.cuda.RecordedStages.Stage;
import io.github.distillcuda.bench.GraphTimer;
import io.github.distillcuda.cuda.CudaGraph;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.nn.Network;
import java.util.List;
import java.util.function.Consumer;

/**
 * Times the distillation step of the published student on a GPU as one graph, and then each of the
 * operations that it recorded, repeated in a graph. A stage reads what a step of training left, and
 * what its last launch left in the cache; what a launch of a graph costs is spread over the
 * repeats.
 */
final class StageBench {
  private static final int LEAST_REPEATS = 20;
  private static final int MOST_REPEATS = 100;

  /** What the repeats of a stage should take together, as far as it can be foreseen. */
  private static final double GRAPH_MICROS = 1500;

  /**
   * What was measured.
   *
   * @param stage the operation
   * @param repeats in a graph
   * @param nodes of a graph, what the library launches for one operation times the repeats
   * @param times of one operation
   */
  record Row(Stage stage, int repeats, int nodes, GraphTimer.Times times) {}

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
   * @param rows takes the step, as a stage of position 0 whose floors are the sums of the others',
   *     and then each stage, as they are measured
   */
  void measure(boolean cached, int batch, Consumer<Row> rows) {
    TrainingTask task = bench.task(cached, batch);
    StepState state = backend.createState();
    StepProgram program = TrainingStep.record(backend, task, bench.data(), state, batch).program();
    try (DeviceScope scope = new DeviceScope()) {
      RecordedStages recorded =
          new RecordedStages(
              program, state, task.network().parameters(), teacherLayers(task), scope);
      GraphTimer timer = new GraphTimer(recorded.context(), recorded.stream(), scope, limitMillis);
      recorded.train(bench.order());
      rows.accept(row(timer, recorded, step(recorded), recorded.steps(), recorded.stepsOfGraph()));
      for (Stage stage : recorded.stages()) {
        recorded.train(bench.order());
        int repeats = repeats(stage);
        try (CudaGraph graph = recorded.capture(stage, repeats)) {
          rows.accept(row(timer, recorded, stage, graph, repeats));
        }
      }
      recorded.train(bench.order()); // finite to the end
    }
  }

  private static List<LayerSpec> teacherLayers(TrainingTask task) {
    return task.teacher() instanceof TeacherSource.Recomputed(Network teacher)
        ? teacher.architecture().layers()
        : List.of();
  }

  private static Stage step(RecordedStages recorded) {
    List<Stage> stages = recorded.stages();
    return new Stage(
        0,
        "",
        "step",
        "both",
        "graph",
        stages.stream().mapToLong(Stage::floorBytes).sum(),
        stages.stream().mapToLong(Stage::flops).sum());
  }

  private static Row row(
      GraphTimer timer, RecordedStages recorded, Stage stage, CudaGraph graph, int repeats) {
    GraphTimer.Times times = timer.time(graph, recorded::restore);
    return new Row(stage, repeats, graph.nodes(), times.dividedBy(repeats));
  }

  /** At half the bandwidth and a tenth of the arithmetic of an H100. */
  private static int repeats(Stage stage) {
    double estimate = 2 + stage.floorBytes() / 1.5e6 + stage.flops() / 20e6;
    return (int) Math.clamp(GRAPH_MICROS / estimate, LEAST_REPEATS, MOST_REPEATS);
  }
}
