package io.github.distillcuda.backend;

import io.github.distillcuda.tensor.Tensor;
import java.util.List;

/**
 * What a layer leaves behind that went forward and backward.
 *
 * @param output [N, ...outputShape]
 * @param inputGradient [N, ...inputShape]; null unless wanted
 * @param weightGradient of the weight's shape
 * @param biasGradient of the bias's shape
 */
record LayerProbe(
    double[] output, double[] inputGradient, double[] weightGradient, double[] biasGradient) {
  /**
   * The inputs of a layer for N rows, row-major.
   *
   * @param input [N, ...inputShape]
   * @param outputGradient [N, ...outputShape]
   */
  record Inputs(float[] weight, float[] bias, float[] input, float[] outputGradient) {}

  /** Runs a layer forward and backward. */
  static LayerProbe run(
      Backend backend, LayerSpec layer, int batch, Inputs inputs, boolean wantInputGradient) {
    // Planned for another batch, as the tail of an epoch finds it, and full of old gradients.
    ParameterArena arena = backend.createParameters(List.of(layer), batch + 3, true);
    arena.values().getFirst().write(inputs.weight());
    arena.values().getLast().write(inputs.bias());
    for (Tensor gradient : arena.gradients()) {
      gradient.write(GoldenHash.symmetric(9, gradient.shape().elements(), 100));
    }
    Tensor input = backend.createTensor("input", layer.inputShape().withBatch(batch));
    input.write(inputs.input());
    Tensor outputGradient =
        backend.createTensor("outputGradient", layer.outputShape().withBatch(batch));
    StepRecorder recorder = backend.record(batch);
    LayerPass pass = recorder.forward(layer, arena, input, true);
    Tensor inputGradient = recorder.backward(pass, outputGradient, wantInputGradient);
    StepProgram program = recorder.build();
    // Twice: gradients are overwritten, not added to. The backward pass may spoil its input.
    for (int step = 0; step < 2; step++) {
      outputGradient.write(inputs.outputGradient());
      program.run(1);
    }
    return new LayerProbe(
        Numbers.of(pass.output()),
        inputGradient == null ? null : Numbers.of(inputGradient),
        Numbers.of(arena.gradients().getFirst()),
        Numbers.of(arena.gradients().getLast()));
  }
}
