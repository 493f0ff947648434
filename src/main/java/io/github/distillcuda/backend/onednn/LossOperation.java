package io.github.distillcuda.backend.onednn;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.distillcuda.backend.LossSpec;
import io.github.distillcuda.backend.host.DistillationRows;
import io.github.distillcuda.backend.host.HostStepState;
import java.lang.foreign.MemorySegment;

/** The distillation loss, its gradient, and the sums of the epoch. */
final class LossOperation implements Operation {
  private final OnednnTensor studentLogits;
  private final OnednnTensor teacherLogits;
  private final OnednnTensor gradient;
  private final int[] labels;
  private final HostStepState state;
  private final DistillationRows rows;
  private final float[] student;
  private final float[] teacher;
  private final float[] result;

  /**
   * A loss.
   *
   * @param teacherLogits null if {@code spec} does not read them
   */
  LossOperation(
      LossSpec spec,
      OnednnTensor studentLogits,
      OnednnTensor teacherLogits,
      OnednnTensor gradient,
      int[] labels,
      HostStepState state) {
    this.studentLogits = studentLogits;
    this.teacherLogits = spec.readsTeacher() ? teacherLogits : null;
    this.gradient = gradient;
    this.labels = labels;
    this.state = state;
    rows = new DistillationRows(gradient.shape().extent(1), spec.temperature(), spec.alpha());
    student = new float[gradient.shape().elements()];
    teacher = this.teacherLogits == null ? null : new float[student.length];
    result = new float[student.length];
  }

  @Override
  public String name() {
    return "loss";
  }

  @Override
  public void run() {
    MemorySegment.copy(studentLogits.data(), JAVA_FLOAT, 0, student, 0, student.length);
    if (teacher != null) {
      MemorySegment.copy(teacherLogits.data(), JAVA_FLOAT, 0, teacher, 0, teacher.length);
    }
    rows.compute(student, teacher, labels, labels.length, result);
    MemorySegment.copy(result, 0, gradient.data(), JAVA_FLOAT, 0, result.length);
    state.add(rows, labels.length);
  }
}
