package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.tensor.DType;
import java.util.regex.Pattern;

/**
 * The least traffic and arithmetic of an operation, whoever computes it.
 *
 * @param bytes each input and each output once, in the types in which they are stored
 * @param flops two for each multiply-add of a product; what else is computed is small beside it
 */
record StageFloor(long bytes, long flops) {
  private static final Pattern PRODUCT =
      Pattern.compile("(convolution|product)\\b.*|(.*, )?(filter|weight|data)\\b.*\\bgradient");

  /** The floor of what belongs to no layer, by kernels of ours alone. */
  static StageFloor of(Operation operation) {
    return new StageFloor(operation.launch().floorBytes(), 0);
  }

  /**
   * The floor of an operation of a layer.
   *
   * @param what the operation's name without that of the layer
   * @param operands the type of what convolutions and products multiply
   */
  static StageFloor of(
      Operation operation, String what, LayerSpec layer, int batch, DType operands) {
    long bytes =
        operation.launch() != null
            ? operation.launch().floorBytes()
            : libraryBytes(what, layer, batch, operands);
    long multiplyAdds = outputs(layer) * layer.fanIn() * batch;
    return new StageFloor(bytes, PRODUCT.matcher(what).matches() ? 2 * multiplyAdds : 0);
  }

  /** Outputs of a layer's product for one image, before a pool. */
  private static long outputs(LayerSpec layer) {
    return switch (layer) {
      case ConvolutionSpec c -> (long) c.outChannels() * c.height() * c.width();
      case LinearSpec l -> l.outFeatures();
    };
  }

  private static long libraryBytes(String what, LayerSpec layer, int batch, DType operands) {
    long e = operands.bytes();
    // Sums of linear layers and gradients of parameters are float32.
    long f = DType.FLOAT32.bytes();
    boolean linear = layer instanceof LinearSpec;
    long x = (long) batch * layer.inputShape().elements();
    long y = batch * outputs(layer);
    long pooled = (long) batch * layer.outputShape().elements();
    long w = layer.weightShape().elements();
    long b = layer.biasShape().elements();
    return switch (what) {
      case "convolution" -> e * (x + w + y);
      case "convolution, bias, ReLU" -> e * (x + w + b + y);
      case "product" -> e * (x + w) + f * y;
      case "product, bias", "product, bias, ReLU" -> e * (x + w) + f * (b + y);
      case "bias" -> (linear ? f : e) * (2 * y + b);
      case "ReLU" -> (linear ? f : e) * 2 * y;
      case "pooling" -> e * (y + pooled);
      case "pooling backward" -> e * 2 * (y + pooled);
      // On the pooled tensor, where there is a pool.
      case "ReLU backward" -> e * 3 * pooled;
      case "bias gradient" -> e * y + f * b;
      case "filter gradient" -> e * (x + y + w);
      case "weight gradient" -> e * (x + y) + f * w;
      case "weight, bias gradient" -> e * (x + y) + f * (w + b);
      case "data gradient" -> e * (x + y + w);
      default ->
          throw new IllegalArgumentException(
              "no floor is known of '%s %s', a call of a library: add it to StageFloor"
                  .formatted(layer.name(), what));
    };
  }
}
