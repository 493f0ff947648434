package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgress;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.data.EpochOrder;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Trains one model: records a step for full batches and one for the tail of an epoch, and replays
 * them. Between the chunks of an epoch it reads the step state once, reports progress, and looks
 * whether it should stop; inside a chunk nothing is copied or allocated.
 */
public final class Trainer {
  /** Reads of the step state an epoch: often enough for a progress bar and for Ctrl-C. */
  private static final int CHUNKS_PER_EPOCH = 40;

  /** Keeps what a run needs to go on from here. */
  @FunctionalInterface
  public interface Checkpointing {
    /**
     * Called after each epoch, and where a stop was asked for.
     *
     * @param stopping whether the training ends after this, so that it must be saved now
     */
    void save(TrainingPosition position, boolean stopping);
  }

  private final TrainingTask task;
  private final ResidentDataset data;
  private final Evaluator evaluator;
  private final TrainingListener listener;
  private final StopSignal stop;
  private final LongSupplier nanoTime;
  private final StepState state;
  private final TrainingStep full;
  private final TrainingStep tail;

  /** The last step of the optimizer that is known to have ended. */
  private long lastStepSeen;

  /**
   * Records the steps.
   *
   * @param data the training images
   * @param evaluator evaluates the task's network after each epoch
   */
  public Trainer(
      Backend backend,
      TrainingTask task,
      ResidentDataset data,
      Evaluator evaluator,
      TrainingListener listener,
      StopSignal stop) {
    this(backend, task, data, evaluator, listener, stop, System::nanoTime);
  }

  /** The same with a clock in nanoseconds. */
  Trainer(
      Backend backend,
      TrainingTask task,
      ResidentDataset data,
      Evaluator evaluator,
      TrainingListener listener,
      StopSignal stop,
      LongSupplier nanoTime) {
    this.task = task;
    this.data = data;
    this.evaluator = evaluator;
    this.listener = listener;
    this.stop = stop;
    this.nanoTime = nanoTime;
    state = backend.createState();
    int batch = task.settings().batchSize();
    full = data.size() < batch ? null : TrainingStep.record(backend, task, data, state, batch);
    int rest = data.size() % batch;
    tail = rest == 0 ? null : TrainingStep.record(backend, task, data, state, rest);
  }

  /**
   * Trains from a position to the end.
   *
   * @param start where to begin; the network's parameters and moments must be those of that moment
   * @param checkpointing called after each epoch, and before a stop
   * @return the history, one record an epoch
   * @throws NonFiniteException at a NaN or an infinity
   * @throws DistillException INTERRUPTED or TERMINATED where a stop was asked for, after
   *     checkpointing; DEVICE, naming the last step that was seen to end, where the device was lost
   */
  public List<EpochRecord> train(TrainingPosition start, Checkpointing checkpointing) {
    listener.trainingStarted(task, start);
    TrainingPosition position = start;
    lastStepSeen = start.progress().optimizerStep();
    try {
      while (position.epoch() <= task.settings().epochs()) {
        position = trainEpoch(position, checkpointing);
        checkpointing.save(position, false);
      }
    } catch (DistillException e) {
      if (e.exitCode() != ExitCode.DEVICE) {
        throw e;
      }
      throw new DistillException(
          ExitCode.DEVICE,
          "%s, after step %d: %s".formatted(task.role(), lastStepSeen, e.getMessage()),
          e);
    }
    return position.history();
  }

  private TrainingPosition trainEpoch(TrainingPosition position, Checkpointing checkpointing) {
    int epoch = position.epoch();
    int[] order = EpochOrder.of(task.settings().seed(), epoch, data.size());
    long begin = nanoTime.getAsLong() - (long) (position.epochSeconds() * 1e9);
    state.beginEpoch(order);
    state.restore(position.progress());
    StepProgress progress = position.progress();
    int batch = task.settings().batchSize();
    int chunk = Math.max(1, data.size() / batch / CHUNKS_PER_EPOCH);
    Work work = new Work.Epoch(task.role(), epoch, task.settings().epochs());
    while (progress.cursor() < data.size()) {
      int fullSteps = (data.size() - progress.cursor()) / batch;
      if (fullSteps > 0) {
        full.program().run(Math.min(chunk, fullSteps));
      } else {
        tail.program().run(1);
      }
      progress = state.read();
      lastStepSeen = progress.optimizerStep();
      requireFinite(progress, epoch, order);
      listener.progress(work, progress.cursor(), data.size());
      if (stop.requested() != null && progress.cursor() < data.size()) {
        double seconds = (nanoTime.getAsLong() - begin) / 1e9;
        throw stopped(
            new TrainingPosition(epoch, progress, seconds, position.history()), checkpointing);
      }
    }
    EpochRecord done = record(epoch, progress, (nanoTime.getAsLong() - begin) / 1e9);
    listener.epochDone(done);
    List<EpochRecord> history = new ArrayList<>(position.history());
    history.add(done);
    StepProgress next = StepProgress.at(0, progress.optimizerStep());
    TrainingPosition after = new TrainingPosition(epoch + 1, next, 0, List.copyOf(history));
    if (stop.requested() != null) {
      throw stopped(after, checkpointing);
    }
    return after;
  }

  private EpochRecord record(int epoch, StepProgress progress, double seconds) {
    double rows = data.size();
    double labelled = Math.max(1, progress.labelledRows());
    Work work = new Work.EpochTest(task.role(), epoch, task.settings().epochs());
    double testAccuracy =
        evaluator.evaluate(done -> listener.progress(work, done, evaluator.images())).accuracy();
    return new EpochRecord(
        task.role(),
        epoch,
        progress.optimizerStep(),
        progress.lossSum() / rows,
        progress.distillationSum() / rows,
        progress.crossEntropySum() / labelled,
        progress.correct() / labelled,
        testAccuracy,
        seconds,
        rows / seconds);
  }

  private DistillException stopped(TrainingPosition position, Checkpointing checkpointing) {
    checkpointing.save(position, true);
    return stop.end(
        "after step %d of the %s".formatted(position.progress().optimizerStep(), task.role()));
  }

  private void requireFinite(StepProgress progress, int epoch, int[] order) {
    long step = progress.firstNonFiniteStep();
    if (step == 0) {
      return;
    }
    int batch = task.settings().batchSize();
    int stepsAnEpoch = Math.ceilDiv(order.length, batch);
    int from = (int) ((step - 1) % stepsAnEpoch) * batch;
    int to = Math.min(from + batch, order.length);
    // Later steps of the chunk have overwritten what this one computed. It is run again, from the
    // parameters that it started from.
    state.beginEpoch(order);
    state.restore(StepProgress.at(from, step - 1));
    TrainingStep program = to - from == batch ? full : tail;
    program.program().run(1);
    if (state.read().firstNonFiniteStep() != step) {
      throw new DistillException(
          ExitCode.NOT_FINITE,
          ("%s: NaN or infinity at step %d (epoch %d), which did not recur when the step was"
                  + " repeated: leave out --no-deterministic, or suspect the machine; the last"
                  + " checkpoint is kept")
              .formatted(task.role(), step, epoch));
    }
    int[] images = Arrays.copyOfRange(order, from, to);
    List<NamedArray> arrays = NonFiniteState.arrays(task.network());
    arrays.add(copy("logits", program.logits()));
    if (program.teacherLogits() != null) {
      arrays.add(copy("teacher_logits", program.teacherLogits()));
    }
    throw new NonFiniteException(
        new NonFiniteState(task.role(), step, epoch, images, firstNonFinite(program), arrays));
  }

  private static NamedArray copy(String name, Tensor tensor) {
    float[] values = new float[tensor.shape().elements()];
    tensor.read(values);
    return new NamedArray(name, tensor.shape(), values);
  }

  /** Looks in the order in which a step computes: what comes first made the others so. */
  private String firstNonFinite(TrainingStep step) {
    for (Tensor tensor : task.network().parameters().values()) {
      if (!isFinite(tensor)) {
        return "parameter " + tensor.name();
      }
    }
    if (step.teacherLogits() != null && !isFinite(step.teacherLogits())) {
      return "the teacher's logits";
    }
    if (!isFinite(step.logits())) {
      return "the logits";
    }
    for (Tensor tensor : task.network().parameters().gradients().reversed()) {
      if (!isFinite(tensor)) {
        return tensor.name();
      }
    }
    return "the loss";
  }

  private static boolean isFinite(Tensor tensor) {
    return NonFiniteState.isFinite(copy(tensor.name(), tensor).values());
  }
}
