package io.github.distillcuda.train;

/** A piece of work of a run, of which the progress is reported image by image. */
public sealed interface Work {
  /** Training for one epoch of {@code epochs}. */
  record Epoch(ModelRole role, int epoch, int epochs) implements Work {}

  /** The test after an epoch. */
  record EpochTest(ModelRole role, int epoch, int epochs) implements Work {}

  /** The test of a model as it was saved or loaded. */
  record SavedTest(ModelRole role) implements Work {}

  /** Computing the teacher's logits of all training images, to be cached. */
  record TeacherLogits() implements Work {}
}
