package io.github.distillcuda.train;

import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.nn.Network;

/** Where a training step takes the teacher's logits from. */
public sealed interface TeacherSource {
  /** No teacher: labels alone. */
  record None() implements TeacherSource {}

  /** Logits computed once, by image id. */
  record Cached(LogitsTable table) implements TeacherSource {}

  /** The frozen teacher runs in every step. */
  record Recomputed(Network teacher) implements TeacherSource {}
}
