package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.tensor.DType;

/**
 * The least traffic and arithmetic of an operation, whoever computes it.
 *
 * @param bytes each input and each output once, in the types in which they are stored
 * @param flops two for each multiply-add of a product; what else is computed is small beside it
 */
record StageFloor(long bytes, long flops) {
  /**
   * The floor of an operation. What belongs to no layer is done by kernels of ours alone.
   *
   * @param operands the type of what convolutions and products multiply
   */
  static StageFloor of(Operation operation, int batch, DType operands) {
    return switch (operation.work()) {
      case Work.OfStep work -> new StageFloor(operation.launch().floorBytes(), 0);
      case Work.OfLayer(CudaLayer.Place place, LayerWork kind) -> {
        LayerSpec layer = place.layer();
        long bytes =
            operation.launch() != null
                ? operation.launch().floorBytes()
                : libraryBytes(kind, layer, batch, operands);
        long multiplyAdds = outputs(layer) * layer.fanIn() * batch;
        yield new StageFloor(bytes, kind.isProduct() ? 2 * multiplyAdds : 0);
      }
    };
  }

  /** Outputs of a layer's product for one image, before a pool. */
  private static long outputs(LayerSpec layer) {
    return switch (layer) {
      case ConvolutionSpec c -> (long) c.outChannels() * c.height() * c.width();
      case LinearSpec l -> l.outFeatures();
    };
  }

  private static long libraryBytes(LayerWork kind, LayerSpec layer, int batch, DType operands) {
    long e = operands.bytes();
    // Sums of linear layers and gradients of parameters are float32.
    long f = DType.FLOAT32.bytes();
    boolean linear = layer instanceof LinearSpec;
    long x = (long) batch * layer.inputShape().elements();
    long y = batch * outputs(layer);
    long pooled = (long) batch * layer.outputShape().elements();
    long w = layer.weightShape().elements();
    long b = layer.biasShape().elements();
    return switch (kind) {
      case CONVOLUTION -> e * (x + w + y);
      case CONVOLUTION_BIAS_RELU -> e * (x + w + b + y);
      case PRODUCT -> e * (x + w) + f * y;
      case PRODUCT_BIAS, PRODUCT_BIAS_RELU -> e * (x + w) + f * (b + y);
      case BIAS -> (linear ? f : e) * (2 * y + b);
      case RELU -> (linear ? f : e) * 2 * y;
      case POOLING -> e * (y + pooled);
      case POOLING_BACKWARD -> e * 2 * (y + pooled);
      // On the pooled tensor, where there is a pool.
      case RELU_BACKWARD -> e * 3 * pooled;
      case BIAS_GRADIENT -> e * y + f * b;
      case WEIGHT_GRADIENT -> e * (x + y) + (linear ? f : e) * w;
      case WEIGHT_AND_BIAS_GRADIENT -> e * (x + y) + f * (w + b);
      case INPUT_GRADIENT -> e * (x + y + w);
      case CONVOLUTION_BIAS_RELU_POOLING,
          BIAS_RELU,
          BIAS_RELU_POOLING,
          BIAS_RELU_BACKWARD,
          RELU_POOLING_BACKWARD,
          BIAS_RELU_POOLING_BACKWARD,
          RELU_POOLING_BACKWARD_INPUT_GRADIENT,
          WEIGHT_GRADIENT_WIDENED,
          WEIGHT_AND_BIAS_SUMS,
          OUTPUT_ROUNDED,
          OUTPUT_GRADIENT_ROUNDED ->
          throw new IllegalArgumentException(
              "'%s' is done by kernels of ours, which know their floors".formatted(kind.words()));
    };
  }
}
