package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;

/** One layer over one batch, forward and, where recorded for training, backward. */
abstract sealed class ReferencePass extends Owned implements LayerPass
    permits ConvolutionPass, LinearPass {
  private final LayerSpec layer;
  private final boolean training;
  final LayerParameters parameters;
  final ReferenceTensor input;
  final ReferenceTensor output;

  ReferencePass(
      LayerSpec layer, LayerParameters parameters, ReferenceTensor input, boolean training) {
    super(input.lifetime());
    this.layer = layer;
    this.training = training;
    this.parameters = parameters;
    this.input = input;
    this.output =
        new ReferenceTensor(
            lifetime(),
            layer.name() + ".output",
            layer.outputShape().withBatch(input.shape().extent(0)));
  }

  @Override
  public final LayerSpec layer() {
    return layer;
  }

  @Override
  public final ReferenceTensor output() {
    return output;
  }

  /** Returns whether the pass was recorded with a backward pass to follow. */
  final boolean training() {
    return training;
  }

  /** Computes the output from the input. */
  abstract void forward();

  /**
   * Overwrites the gradients of weight and bias, and of the input where it is wanted.
   *
   * @param outputGradient of the output's shape
   * @param inputGradient of the input's shape; null unless wanted
   */
  abstract void backward(ReferenceTensor outputGradient, ReferenceTensor inputGradient);

  /** ReLU as PyTorch has it: NaN stays NaN, and -0 stays -0. */
  static double relu(double value) {
    return value < 0 ? 0 : value;
  }

  /** The gradient through ReLU, given its output: 0 where that is 0, passed on where it is NaN. */
  static double reluGradient(double output, double outputGradient) {
    return output <= 0 ? 0 : outputGradient;
  }
}
