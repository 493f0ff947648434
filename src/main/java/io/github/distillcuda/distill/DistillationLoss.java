package io.github.distillcuda.distill;

import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.host.DistillationRows;
import java.util.concurrent.ForkJoinPool;

/**
 * The distillation loss on plain arrays, for use on its own:
 *
 * {@snippet lang=text :
 * p = softmax(z/T)    q = softmax(v/T)    s = softmax(z)
 * loss = alpha * T^2 * KL(q || p) + (1 - alpha) * CE(s, y)
 * dz   = alpha * T * (p - q) / N + (1 - alpha) * (s - onehot(y)) / L
 * }
 *
 * <p>z are the student's logits, v the teacher's, a constant; N is the number of rows and L of
 * those with a label. {@code T^2} keeps the size of the soft gradient independent of T (Hinton et
 * al. 2015, section 2). Computed in double and stable at every T from 1e-3 to 1e6 and for logits to
 * 1e4 and beyond, where the usual {@code q * (log q - log p)} in float32 is off by 1.5 % at T =
 * 1000; equal logits give a KL of exactly 0. A NaN gives NaN.
 *
 * <p>The rows of a large batch are shared by the caller and the threads of the common pool; the
 * results have the same bits for any number of threads and on any machine.
 */
public final class DistillationLoss {
  /** The label of a row that has none: it counts in the distillation term alone. */
  public static final int NO_LABEL = ResidentDataset.NO_LABEL;

  /** About 0.1 ms of work: what waking a thread costs is little beside it. */
  private static final int LOGITS_OF_THREAD = 16_384;

  /**
   * A loss and its gradient.
   *
   * @param loss alpha * T^2 * kl + (1 - alpha) * crossEntropy
   * @param kl mean over the rows of KL(q || p), without T^2; 0 if alpha is 0
   * @param crossEntropy mean over the labelled rows of -log s_y; 0 if alpha is 1 or none is
   *     labelled
   * @param correct labelled rows whose largest logit is at the label
   * @param gradient d loss / d studentLogits, [N, classes] row-major
   */
  public record Result(
      double loss, double kl, double crossEntropy, int correct, float[] gradient) {}

  private DistillationLoss() {}

  /**
   * Computes the loss of a batch and its gradient with respect to the student's logits.
   *
   * @param studentLogits z, [N, classes] row-major
   * @param teacherLogits v, [N, classes] row-major; not read, and may be null, if alpha is 0
   * @param labels y, [N], each in [0, classes) or {@link #NO_LABEL}
   * @param classes logits in a row, at least 1
   * @param temperature T, positive and finite
   * @param alpha the weight of the distillation term, in [0, 1]
   * @throws IllegalArgumentException if lengths disagree, a label is out of range, or a constant is
   */
  public static Result compute(
      float[] studentLogits,
      float[] teacherLogits,
      int[] labels,
      int classes,
      double temperature,
      double alpha) {
    LossSpec spec = new LossSpec(temperature, alpha);
    check("studentLogits", studentLogits, labels.length, classes);
    if (spec.readsTeacher()) {
      check("teacherLogits", teacherLogits, labels.length, classes);
    }
    DistillationRows rows =
        new DistillationRows(classes, temperature, alpha, threads(labels.length, classes));
    float[] gradient = new float[studentLogits.length];
    rows.compute(studentLogits, teacherLogits, labels, labels.length, gradient);
    double squared = temperature * temperature;
    return new Result(
        rows.loss(),
        rows.distillationSum() / labels.length / squared,
        rows.labelledRows() == 0 ? 0 : rows.crossEntropySum() / rows.labelledRows(),
        rows.correct(),
        gradient);
  }

  private static int threads(int rows, int classes) {
    long enough = Math.min(rows, (long) rows * classes / LOGITS_OF_THREAD);
    return Math.clamp(enough, 1, ForkJoinPool.getCommonPoolParallelism() + 1);
  }

  private static void check(String name, float[] logits, int rows, int classes) {
    if (classes < 1 || rows < 1 || logits == null || logits.length != (long) rows * classes) {
      throw new IllegalArgumentException(
          "%s: %s values for %d rows of %d classes"
              .formatted(name, logits == null ? "no" : logits.length, rows, classes));
    }
  }
}
