package io.github.distillcuda.backend;

import io.github.distillcuda.tensor.Tensor;

/**
 * Records the operations of one step over preallocated tensors, in the order they are called, for
 * one batch size. Nothing runs until {@link StepProgram#run}. Planning happens here: algorithms,
 * layouts and workspaces are chosen once for each shape.
 */
public interface StepRecorder {
  /**
   * Gathers the next N images of the state's order, normalises them, and fetches their labels.
   *
   * @param teacherCache the teacher's logits by image id, fetched with the rest; null for none
   */
  Batch gather(ResidentDataset data, StepState state, LogitsTable teacherCache);

  /**
   * Runs a layer forward.
   *
   * @param parameters an arena that was planned for this layer
   * @param input [N, ...inputShape]
   * @param training whether {@link #backward} will follow
   */
  LayerPass forward(LayerSpec layer, ParameterArena parameters, Tensor input, boolean training);

  /**
   * Runs a layer backward: overwrites the gradients of its weight and bias in the arena of the
   * forward pass.
   *
   * @param pass a forward pass recorded with {@code training}
   * @param outputGradient [N, ...outputShape]; may be overwritten
   * @param wantInputGradient whether to compute the gradient of the input
   * @return the gradient of the input, [N, ...inputShape]; null unless wanted
   */
  Tensor backward(LayerPass pass, Tensor outputGradient, boolean wantInputGradient);

  /**
   * Computes the distillation loss and its gradient of the mean over the N rows, and adds its terms
   * to the sums of the epoch. Logits that are not finite set the state's sticky step number.
   *
   * @param logits the student's z, [N, classes]
   * @param teacherLogits the teacher's v, [N, classes]; null if {@code !spec.readsTeacher()}
   * @return the gradient dz, [N, classes]
   */
  Tensor loss(LossSpec spec, Tensor logits, Tensor teacherLogits, Batch batch, StepState state);

  /** Copies the logits of the rows to their images' rows of the table. */
  void store(Tensor logits, Batch batch, LogitsTable table);

  /**
   * Checks gradients and parameters of the arena, then takes one Adam step. Where something is not
   * finite, sets the state's sticky step number; while that is set, writes no parameter.
   */
  void adam(AdamSpec spec, ParameterArena parameters, StepState state);

  /** Moves the state's cursor on by N; the last operation of every step. */
  void advance(StepState state);

  /** Ends the recording. */
  StepProgram build();
}
