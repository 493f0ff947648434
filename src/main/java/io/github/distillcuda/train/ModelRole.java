package io.github.distillcuda.train;

import java.util.Locale;

/** The models of a run, in the order they are made. */
public enum ModelRole {
  /** The larger network whose softened outputs the student learns from. */
  TEACHER,
  /** The student's twin, trained on labels alone: same initial weights, same batches. */
  BASELINE,
  /** The smaller network, distilled from the teacher. */
  STUDENT;

  /** Returns the name used in files, tables and messages. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
