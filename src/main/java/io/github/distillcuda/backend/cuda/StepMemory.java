package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.BackendOptions.Layers;
import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.MathMode;
import io.github.distillcuda.tensor.DType;
import java.util.List;

/**
 * The memory that the tensors of a step need, computed before one of them is allocated: those of
 * each layer as its pass allocates them, small ones left out, and the workspace that cuDNN asks
 * for.
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

  /** Returns the bytes of a step of so many rows. */
  long bytes(int rows) {
    return rows * bytesOfARow() + ofPartialSums(rows);
  }

  /** Our own filter gradients are sums of sums, of which there are more until a GPU is full. */
  private long ofPartialSums(int rows) {
    if (!fused || !trainable || operands != DType.FLOAT32) {
      return 0;
    }
    return layers.stream()
        .mapToLong(
            layer ->
                layer instanceof ConvolutionSpec convolution
                    ? FusedConvolution.partialSumsBytes(convolution, math, rows)
                    : 0)
        .sum();
  }

  private long bytesOfARow() {
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

  /**
   * Returns the bytes that each row of a step adds to the workspace of a lane at the most. In TF32
   * cuDNN copies what it is given into the order of tensor cores, with channels in fours: one and a
   * half times input and output, in whichever direction. In bfloat16 they are in that order, and
   * copied only to fill up eights. So say all rows of {@code gpu-library-layers.csv} for the
   * algorithms of the rule (an H200, batches of 64 and 256), but for up to 4 MB beside that: those,
   * and Winograd's, are within {@link ComputeLane#WORKSPACE_BYTES}.
   */
  long workspaceBytesOfARow() {
    return layers.stream()
        .mapToLong(
            layer ->
                layer instanceof ConvolutionSpec convolution
                    ? workspaceBytesOfARow(convolution)
                    : 0)
        .max()
        .orElse(0);
  }

  private long workspaceBytesOfARow(ConvolutionSpec layer) {
    long pixels = (long) layer.height() * layer.width();
    return switch (math) {
      case FP32 -> 0;
      case TF32 -> {
        boolean ownKernels = fused && FusedConvolution.isWhole(layer, math);
        int channels = Math.ceilDiv(layer.inChannels(), 4) + Math.ceilDiv(layer.outChannels(), 4);
        yield ownKernels ? 0 : pixels * channels * 4 * Float.BYTES * 3 / 2;
      }
      case BF16 -> pixels * (inEights(layer.inChannels()) + inEights(layer.outChannels()));
    };
  }

  /** The bytes that channels of a pixel take in a copy that fills up eights, if there is one. */
  private static int inEights(int channels) {
    return channels % 8 == 0 ? 0 : Math.ceilDiv(channels, 8) * 8 * DType.BFLOAT16.bytes();
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
