package io.github.distillcuda.backend;

import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.stream.IntStream;

/**
 * What one step of gather and loss leaves behind for given logits and labels.
 *
 * @param progress the state after the step
 * @param gradient of the mean loss with respect to the student's logits, row-major
 */
record LossProbe(StepProgress progress, double[] gradient) {
  private static final Shape IMAGE = Shape.of(1, 2, 2);

  /**
   * Runs the loss of one batch.
   *
   * @param student logits, row-major
   * @param teacher logits; null for none
   * @param labels one a row
   */
  static LossProbe run(
      Backend backend, LossSpec spec, float[] student, float[] teacher, int... labels) {
    int rows = labels.length;
    Shape shape = Shape.of(rows, student.length / rows);
    byte[] labelBytes = new byte[rows];
    for (int n = 0; n < rows; n++) {
      labelBytes[n] = (byte) labels[n];
    }
    ResidentDataset data = backend.upload(IMAGE, new byte[rows * IMAGE.elements()], labelBytes);
    StepState state = backend.createState();
    StepRecorder recorder = backend.record(rows);
    Batch batch = recorder.gather(data, state, null);
    Tensor studentLogits = tensor(backend, "student", shape, student);
    Tensor teacherLogits = teacher == null ? null : tensor(backend, "teacher", shape, teacher);
    Tensor gradient = recorder.loss(spec, studentLogits, teacherLogits, batch, state);
    StepProgram program = recorder.build();
    state.beginEpoch(IntStream.range(0, rows).toArray());
    program.run(1);
    return new LossProbe(state.read(), Numbers.of(gradient));
  }

  private static Tensor tensor(Backend backend, String name, Shape shape, float[] values) {
    Tensor tensor = backend.createTensor(name, shape);
    tensor.write(values);
    return tensor;
  }
}
