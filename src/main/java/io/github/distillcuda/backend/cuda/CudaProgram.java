package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.StageTime;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.backend.cuda.Operation.Kind;
import io.github.distillcuda.cuda.CudaGraph;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.GraphTimer;
import java.util.List;
import java.util.Map;

/**
 * A recorded step as two graphs, of one step and of several. A launch of a graph costs the device a
 * few microseconds that the kernels inside do not pay.
 */
final class CudaProgram implements StepProgram {
  /**
   * Steps of the larger graph: enough that launching costs the host little, and few enough for the
   * few dozen steps between two reads of the state to be mostly such graphs.
   */
  static final int UNROLLED = 8;

  /** For the replays of a stage that is timed by itself. */
  private static final long STAGE_MILLIS = 25;

  private final CudaSession session;
  private final int batch;
  private final List<Operation> operations;
  private final Map<CudaStepState, CudaDataset> gathered;
  private final List<CudaStepState> advanced;
  private final CudaGraph one;
  private final CudaGraph several;

  /**
   * Captures the operations.
   *
   * @param gathered the states whose orders are read, each with the data set that it names images
   *     of
   * @param advanced the states whose cursors are moved on
   */
  CudaProgram(
      CudaSession session,
      int batch,
      List<Operation> operations,
      Map<CudaStepState, CudaDataset> gathered,
      List<CudaStepState> advanced) {
    this.session = session;
    this.batch = batch;
    this.operations = List.copyOf(operations);
    this.gathered = Map.copyOf(gathered);
    this.advanced = List.copyOf(advanced);
    warmUp();
    one = capture(1);
    several = capture(UNROLLED);
  }

  /**
   * Calls the libraries once outside of a capture, where loading a kernel may have to allocate, and
   * where a call that they do not support fails with its own name.
   */
  private void warmUp() {
    session.finish();
    for (Operation operation : operations) {
      if (operation.kind() == Kind.LIBRARY) {
        operation.enqueue().run();
      }
    }
    session.finishBranches();
  }

  private CudaGraph capture(int steps) {
    CudaGraph graph =
        session
            .scope()
            .own(
                CudaGraph.capture(
                    session.stream(),
                    "%d steps of %d".formatted(steps, batch),
                    () -> {
                      for (int step = 0; step < steps; step++) {
                        operations.forEach(operation -> operation.enqueue().run());
                      }
                    }));
    graph.upload(session.stream());
    return graph;
  }

  CudaSession session() {
    return session;
  }

  /** Returns what a step consists of, in the order in which it was recorded. */
  List<Operation> operations() {
    return operations;
  }

  /** Returns the graph of {@link #UNROLLED} steps. */
  CudaGraph several() {
    return several;
  }

  /** Returns the rows of one step. */
  int batch() {
    return batch;
  }

  /**
   * Launches the steps and returns at once.
   *
   * @throws IllegalStateException if an epoch has fewer images left than the steps would gather;
   *     nothing has run then
   */
  @Override
  public void run(int steps) {
    session.check();
    gathered.forEach((state, data) -> state.requireImages(steps, batch, data));
    int left = steps;
    for (; left >= UNROLLED; left -= UNROLLED) {
      several.launch(session.stream());
    }
    for (; left > 0; left--) {
      one.launch(session.stream());
    }
    for (CudaStepState state : advanced) {
      state.advanced(steps * batch);
    }
  }

  @Override
  public List<StageTime> timeStages(StepState state, ParameterArena student, int[] order) {
    session.check();
    try (DeviceScope scope = new DeviceScope()) {
      RecordedStages recorded = new RecordedStages(this, state, student, scope);
      GraphTimer timer =
          new GraphTimer(session.context(), session.stream(), scope, session::finish, STAGE_MILLIS);
      return recorded.stages().stream()
          .map(stage -> recorded.time(stage, timer, order).stageTime())
          .toList();
    }
  }
}
