package io.github.distillcuda.train;

import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.distill.DatasetLogits;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.nn.Network;
import java.util.function.IntConsumer;

/** Evaluates one network on one labelled data set, as often as its parameters change. */
public final class Evaluator {
  private final String model;
  private final byte[] labels;
  private final DatasetLogits logits;

  /**
   * Records the passes.
   *
   * @param model the model's name for messages
   * @param labels a label an image of {@code data}
   */
  public Evaluator(
      Backend backend, String model, Network network, ResidentDataset data, byte[] labels) {
    this.model = model;
    this.labels = labels;
    this.logits = new DatasetLogits(backend, network, data);
  }

  /** Returns how many images it runs the network over. */
  public int images() {
    return labels.length;
  }

  /**
   * Runs the network over the data set.
   *
   * @param progress receives the number of images done, now and then
   * @throws DistillException NOT_FINITE if a logit is a NaN or an infinity
   */
  public Evaluation evaluate(IntConsumer progress) {
    LogitsTable table = logits.compute(progress);
    int classes = table.classes();
    float[] rows = new float[table.rows() * classes];
    table.read(rows);
    int[] predictions = new int[table.rows()];
    for (int image = 0; image < predictions.length; image++) {
      predictions[image] = largest(rows, image, classes);
    }
    return new Evaluation(predictions, labels, classes);
  }

  private int largest(float[] rows, int image, int classes) {
    int best = 0;
    for (int c = 0; c < classes; c++) {
      float logit = rows[image * classes + c];
      if (!Float.isFinite(logit)) {
        throw new DistillException(
            ExitCode.NOT_FINITE,
            "%s: the logit of class %d for test image %d is %s; its weights are damaged"
                .formatted(model, c, image, logit));
      }
      if (logit > rows[image * classes + best]) {
        best = c;
      }
    }
    return best;
  }
}
