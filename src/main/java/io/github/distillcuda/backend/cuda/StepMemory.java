package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.cuda.MathMode;
import io.github.distillcuda.tensor.DType;
import java.util.List;

/**
 * What the tensors of a step take, known before one of them is allocated: those of each layer as
 * its pass allocates them, without what is small beside them.
 */
final class StepMemory {
  private final List<LayerSpec> layers;
  private final boolean fused;
  private final boolean trainable;
  private final MathMode math;
  private final DType operands;

  StepMemory(List<LayerSpec> layers, Layers kind, boolean trainable, MathMode math) {
    this.layers = List.copyOf(layers);
    fused = kind == Layers.FUSED;
    this.trainable = trainable;
    this.math = math;
    operands = CudaSession.operands(math);
  }

  /** Returns the bytes that each row of a batch takes. */
  long bytesOfARow() {
    long elements = layers.getFirst().inputShape().elements();
    for (int i = 0; i < layers.size(); i++) {
      LayerSpec layer = layers.get(i);
      elements +=
          switch (layer) {
            case ConvolutionSpec convolution -> ofConvolution(convolution);
            case LinearSpec linear -> ofLinear(linear);
          };
      if (trainable && i > 0) {
        elements += layer.inputShape().elements(); // its gradient
      }
    }
    return elements * operands.bytes() + ofSums() + ofMasks();
  }

  /** Our own kernels note in a byte which pixel of its window each pooled one is. */
  private long ofMasks() {
    return !fused
        ? 0
        : layers.stream()
            .filter(ConvolutionSpec.class::isInstance)
            .mapToLong(layer -> layer.outputShape().elements())
            .sum();
  }

  /** Linear layers leave float32, and what the next one reads besides if that is another type. */
  private long ofSums() {
    if (operands == DType.FLOAT32) {
      return 0;
    }
    return layers.stream()
        .filter(LinearSpec.class::isInstance)
        .mapToLong(layer -> (long) layer.outputShape().elements() * Float.BYTES)
        .sum();
  }

  private long ofConvolution(ConvolutionSpec layer) {
    long pooled = layer.outputShape().elements();
    long product = layer.productShape().elements();
    if (!fused) {
      return trainable ? 2 * (product + pooled) : product + pooled;
    }
    // Backward such a layer needs no product's gradient either.
    if (operands == DType.FLOAT32 && FusedConvolution.isWhole(layer, math)) {
      return pooled;
    }
    return trainable ? 2 * product + pooled : product + pooled;
  }

  private long ofLinear(LinearSpec layer) {
    return layer.outFeatures() * (trainable && layer.relu() ? 2L : 1L);
  }
}
