package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.backend.StepProgress;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * What one step of gather and loss leaves behind for given logits and labels.
 *
 * @param progress the state after the step
 * @param gradient the gradient of the batch, one array a row
 */
record LossRun(StepProgress progress, double[][] gradient) {
  private static final Shape IMAGE = Shape.of(1, 2, 2);

  /**
   * Runs the loss of one batch through the public seam.
   *
   * @param z the student's logits, one array a row
   * @param v the teacher's, or null
   */
  static LossRun of(LossSpec spec, double[][] z, double[][] v, int... labels) {
    int rows = z.length;
    int classes = z[0].length;
    try (ReferenceBackend backend = new ReferenceBackend(BackendOptions.DEFAULT)) {
      byte[] labelBytes = new byte[rows];
      for (int n = 0; n < rows; n++) {
        labelBytes[n] = (byte) labels[n];
      }
      ResidentDataset data = backend.upload(IMAGE, new byte[rows * IMAGE.elements()], labelBytes);
      StepState state = backend.createState();
      StepRecorder recorder = backend.record(rows);
      Batch batch = recorder.gather(data, state, null);
      Tensor logits = tensor(backend, "z", z);
      Tensor teacherLogits = v == null ? null : tensor(backend, "v", v);
      Tensor gradLogits = recorder.loss(spec, logits, teacherLogits, batch, state);
      state.beginEpoch(IntStream.range(0, rows).toArray());
      recorder.build().run(1);
      double[] flat = new double[rows * classes];
      gradLogits.read(flat);
      double[][] gradient = new double[rows][];
      for (int n = 0; n < rows; n++) {
        gradient[n] = Arrays.copyOfRange(flat, n * classes, (n + 1) * classes);
      }
      return new LossRun(state.read(), gradient);
    }
  }

  /** The mean loss of the batch. */
  double meanLoss() {
    return progress.lossSum() / gradient.length;
  }

  private static Tensor tensor(ReferenceBackend backend, String name, double[][] rows) {
    Tensor tensor = backend.createTensor(name, Shape.of(rows.length, rows[0].length));
    tensor.write(Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray());
    return tensor;
  }
}
