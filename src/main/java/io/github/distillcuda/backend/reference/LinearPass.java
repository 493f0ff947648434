package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.LinearSpec;

/**
 * A fully connected layer: y[n,o] = b[o] + sum over i of w[o,i] * x[n,i], with or without ReLU. The
 * row-major order of an image input [C, H, W] is the flatten order c*H*W + h*W + w.
 */
final class LinearPass extends ReferencePass {
  private final int rows;
  private final int inputs;
  private final int outputs;
  private final boolean relu;

  LinearPass(LinearSpec spec, LayerParameters parameters, ReferenceTensor input, boolean training) {
    super(spec, parameters, input, training);
    rows = input.shape().extent(0);
    inputs = spec.inputShape().elements();
    outputs = spec.outFeatures();
    relu = spec.relu();
  }

  @Override
  void forward() {
    for (int n = 0; n < rows; n++) {
      for (int o = 0; o < outputs; o++) {
        double sum = parameters.bias().get(o);
        for (int i = 0; i < inputs; i++) {
          sum += parameters.weight().get(o * inputs + i) * input.get(n * inputs + i);
        }
        output.set(n * outputs + o, relu ? relu(sum) : sum);
      }
    }
  }

  @Override
  void backward(ReferenceTensor outputGradient, ReferenceTensor inputGradient) {
    parameters.weightGradient().fill(0);
    parameters.biasGradient().fill(0);
    if (inputGradient != null) {
      inputGradient.fill(0);
    }
    for (int n = 0; n < rows; n++) {
      for (int o = 0; o < outputs; o++) {
        double dy = outputGradient.get(n * outputs + o);
        if (relu) {
          dy = reluGradient(output.get(n * outputs + o), dy);
        }
        parameters.biasGradient().add(o, dy);
        for (int i = 0; i < inputs; i++) {
          parameters.weightGradient().add(o * inputs + i, dy * input.get(n * inputs + i));
        }
        if (inputGradient != null) {
          for (int i = 0; i < inputs; i++) {
            inputGradient.add(n * inputs + i, dy * parameters.weight().get(o * inputs + i));
          }
        }
      }
    }
  }
}
