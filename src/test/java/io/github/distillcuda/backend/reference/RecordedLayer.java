package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.BackendOptions;
import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.StepProgram;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.tensor.Tensor;
import java.util.List;
import java.util.SplittableRandom;

/** One layer recorded forward and backward through the public seam, and its tensors as arrays. */
final class RecordedLayer implements AutoCloseable {
  private final ReferenceBackend backend = new ReferenceBackend(BackendOptions.DEFAULT);
  private final StepProgram program;
  final Tensor input;
  final Tensor weight;
  final Tensor bias;
  final Tensor output;
  final Tensor outputGradient;
  final Tensor inputGradient;
  final Tensor weightGradient;
  final Tensor biasGradient;

  RecordedLayer(LayerSpec layer, int batch) {
    ParameterArena arena = backend.createParameters(List.of(layer), batch, true);
    weight = arena.values().getFirst();
    bias = arena.values().getLast();
    weightGradient = arena.gradients().getFirst();
    biasGradient = arena.gradients().getLast();
    input = backend.createTensor("input", layer.inputShape().withBatch(batch));
    outputGradient = backend.createTensor("dy", layer.outputShape().withBatch(batch));
    StepRecorder recorder = backend.record(batch);
    LayerPass pass = recorder.forward(layer, arena, input, true);
    output = pass.output();
    inputGradient = recorder.backward(pass, outputGradient, true);
    program = recorder.build();
  }

  /** Fills input, parameters and output gradient with numbers from -1 to 1. */
  void fill(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (Tensor tensor : List.of(input, weight, bias, outputGradient)) {
      tensor.write(random.doubles(tensor.shape().elements(), -1, 1).toArray());
    }
  }

  /** Runs the layer forward and backward. */
  void run() {
    program.run(1);
  }

  /** Runs the layer; returns sum(output*outputGradient), whose gradients the backward pass has. */
  double objective() {
    run();
    double[] y = values(output);
    double[] dy = values(outputGradient);
    double sum = 0;
    for (int i = 0; i < y.length; i++) {
      sum += y[i] * dy[i];
    }
    return sum;
  }

  static double[] values(Tensor tensor) {
    double[] values = new double[tensor.shape().elements()];
    tensor.read(values);
    return values;
  }

  @Override
  public void close() {
    backend.close();
  }
}
