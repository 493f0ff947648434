package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.StageTime;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepProgress;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.backend.cuda.Operation.Kind;
import io.github.distillcuda.cuda.CudaGraph;
import io.github.distillcuda.cuda.CudaStream;
import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.GraphTimer;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The operations of a training step as a GPU recorded it, to be run and timed one by one, each so
 * many times in a graph that what the launch of a graph costs is spread. A stage reads what a step
 * of training left, and what its last launch left in the cache.
 *
 * <p>A repeated operation reads what the last step left and writes it again. Three do more: {@code
 * advance} moves the cursor on, {@code row sums} adds, {@code adam} moves the parameters; {@link
 * #restore} takes that back. A bias that a library adds in place is added once a repeat, until the
 * next step overwrites the sums: what it is added to grows by as much and stays finite.
 */
public final class RecordedStages {
  private static final int LEAST_REPEATS = 20;
  private static final int MOST_REPEATS = 100;

  /** What the repeats of a stage should take together, as far as it can be foreseen. */
  private static final double GRAPH_MICROS = 1500;

  /**
   * An operation.
   *
   * @param position in the step, from 1
   * @param network teacher or student; empty where it belongs to no layer
   * @param name what it does
   * @param branch where it runs
   * @param kernel what it launches if that is a kernel of ours, else "library"
   * @param floorBytes each input and each output once
   * @param flops of its product, if it is one
   */
  public record Stage(
      int position,
      String network,
      String name,
      String branch,
      String kernel,
      long floorBytes,
      long flops) {}

  /**
   * What was measured.
   *
   * @param stage the operation
   * @param repeats in a graph
   * @param nodes of a graph, what the library launches for one operation times the repeats
   * @param times of one operation
   */
  public record Row(Stage stage, int repeats, int nodes, GraphTimer.Times times) {
    StageTime stageTime() {
      return new StageTime(
          stage.network().isEmpty() ? stage.name() : stage.network() + " " + stage.name(),
          times.p50(),
          times.p10(),
          times.p90(),
          stage.floorBytes(),
          stage.flops());
    }
  }

  private final CudaProgram program;
  private final CudaStepState state;
  private final Map<Stage, Operation> stages = new LinkedHashMap<>();
  private final Map<DeviceBuffer, DeviceBuffer> copies = new LinkedHashMap<>();

  /**
   * Takes a step apart; copies of what it changes belong to the scope.
   *
   * @param program a training step
   * @param state its state
   * @param student the parameters that it trains; a layer of others is the teacher's
   */
  public RecordedStages(
      StepProgram program, StepState state, ParameterArena student, DeviceScope scope) {
    this.program = (CudaProgram) program;
    this.state = (CudaStepState) state;
    for (Operation operation : this.program.operations()) {
      if (operation.kind() != Kind.ORDER) {
        add(operation, student);
      }
    }
    List<DeviceBuffer> changed =
        new ArrayList<>(((CudaParameterArena) student).buffers()); // values, gradients, moments
    changed.add(this.state.numbers());
    for (DeviceBuffer buffer : changed) {
      copies.put(
          buffer,
          scope.own(session().context().memory().allocate("copy for repeats", buffer.byteSize())));
    }
  }

  private CudaSession session() {
    return program.session();
  }

  private void add(Operation operation, ParameterArena student) {
    StageFloor floor = StageFloor.of(operation, program.batch(), session().operands());
    String network =
        switch (operation.work()) {
          case Work.OfStep work -> "";
          case Work.OfLayer work -> work.place().parameters() == student ? "student" : "teacher";
        };
    stages.put(
        new Stage(
            stages.size() + 1,
            network,
            operation.work().name(),
            operation.branch().toString().toLowerCase(Locale.ROOT),
            operation.launch() == null ? "library" : operation.launch().toString(),
            floor.bytes(),
            floor.flops()),
        operation);
  }

  /** Returns the operations in the order in which they were recorded. */
  public List<Stage> stages() {
    return List.copyOf(stages.keySet());
  }

  /** Returns the stream in which everything is launched. */
  CudaStream stream() {
    return session().stream();
  }

  /** Captures an operation so many times, one after the other. The caller closes the graph. */
  public CudaGraph capture(Stage stage, int times) {
    Operation operation = stages.get(stage);
    return CudaGraph.capture(
        session().lane(operation.branch()).stream(),
        stage.name(),
        () -> {
          for (int i = 0; i < times; i++) {
            operation.enqueue().run();
          }
        });
  }

  /**
   * Times an operation, repeated in a graph.
   *
   * @param order of an epoch of at least two steps: a stage is repeated as in the second
   */
  public Row time(Stage stage, GraphTimer timer, int[] order) {
    train(order);
    int repeats = repeats(stage);
    try (CudaGraph graph = capture(stage, repeats)) {
      GraphTimer.Times times = timer.time(graph, this::restore);
      return new Row(stage, repeats, graph.nodes(), times.dividedBy(repeats));
    }
  }

  /** Estimates a stage at half the bandwidth and a tenth of the arithmetic of an H100. */
  private static int repeats(Stage stage) {
    double estimate = 2 + stage.floorBytes() / 1.5e6 + stage.flops() / 20e6;
    return (int) Math.clamp(GRAPH_MICROS / estimate, LEAST_REPEATS, MOST_REPEATS);
  }

  /**
   * Trains one step at the beginning of an epoch, and keeps what it left.
   *
   * @param order of the epoch, with images for the graph of several steps behind this one
   * @throws DistillException NOT_FINITE if a number is not: what is timed then is not training
   */
  public void train(int[] order) {
    state.beginEpoch(order);
    program.run(1);
    StepProgress progress = state.read();
    if (progress.firstNonFiniteStep() != 0 || !Double.isFinite(progress.lossSum())) {
      throw new DistillException(
          ExitCode.NOT_FINITE,
          "the step before a stage left " + progress + ": suspect the machine");
    }
    copies.forEach((buffer, copy) -> stream().copy(buffer, 0, copy, 0, buffer.byteSize()));
    session().finish();
  }

  /** Puts back, in stream order, what that step left in state, parameters and moments. */
  public void restore() {
    copies.forEach((buffer, copy) -> stream().copy(copy, 0, buffer, 0, buffer.byteSize()));
  }
}
