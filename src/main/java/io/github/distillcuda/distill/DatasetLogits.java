package io.github.distillcuda.distill;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.backend.PlannedModel;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.nn.Network;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * The logits of every image of a data set under one network, by image id. A frozen teacher's are
 * computed once and cached, because without augmentation they never change; a network in training
 * is evaluated by computing them anew.
 */
public final class DatasetLogits {
  /** Rows of one step; the time an image takes hardly depends on it, the memory does. */
  private static final int BATCH = 100;

  private final LogitsTable table;
  private final StepState state;
  private final int[] order;
  private final StepProgram full;
  private final StepProgram tail;

  /**
   * Records the passes; computes nothing yet.
   *
   * @param network the network, whose parameters are read at each {@link #compute}
   */
  public DatasetLogits(Backend backend, Network network, ResidentDataset data) {
    int size = data.size();
    table = backend.createLogitsTable(size, network.architecture().classes());
    state = backend.createState();
    order = IntStream.range(0, size).toArray();
    full = size < BATCH ? null : record(backend, network, data, BATCH);
    tail = size % BATCH == 0 ? null : record(backend, network, data, size % BATCH);
  }

  /** Returns the rows of each step that is recorded for so many images, for planning memory. */
  public static List<Integer> steps(int images) {
    return PlannedModel.steps(images, BATCH);
  }

  private StepProgram record(Backend backend, Network network, ResidentDataset data, int batch) {
    StepRecorder step = backend.record(batch);
    Batch images = step.gather(data, state, null);
    step.store(Network.logits(network.forward(step, images.images(), false)), images, table);
    step.advance(state);
    return step.build();
  }

  /**
   * Computes the logits of all images.
   *
   * @param progress receives the number of images done, now and then
   * @return the table, the same at each call
   */
  public LogitsTable compute(IntConsumer progress) {
    state.beginEpoch(order);
    int steps = order.length / BATCH;
    int stride = Math.max(1, steps / 50);
    for (int done = 0; done < steps; done += stride) {
      full.run(Math.min(stride, steps - done));
      progress.accept(state.read().cursor());
    }
    if (tail != null) {
      tail.run(1);
      progress.accept(state.read().cursor());
    }
    return table;
  }
}
