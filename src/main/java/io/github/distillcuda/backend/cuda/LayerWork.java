package io.github.distillcuda.backend.cuda;

/** What an operation does for a layer. */
enum LayerWork {
  // Forward.
  CONVOLUTION("convolution", true),
  CONVOLUTION_BIAS_RELU("convolution, bias, ReLU", true),
  CONVOLUTION_BIAS_RELU_POOLING("convolution, bias, ReLU, pooling", true),
  PRODUCT("product", true),
  PRODUCT_BIAS("product, bias", true),
  PRODUCT_BIAS_RELU("product, bias, ReLU", true),
  BIAS("bias", false),
  RELU("ReLU", false),
  BIAS_RELU("bias, ReLU", false),
  BIAS_RELU_POOLING("bias, ReLU, pooling", false),
  POOLING("pooling", false),
  OUTPUT_ROUNDED("output rounded", false),

  // Backward.
  OUTPUT_GRADIENT_ROUNDED("output.gradient rounded", false),
  RELU_BACKWARD("ReLU backward", false),
  BIAS_RELU_BACKWARD("bias, ReLU backward", false),
  POOLING_BACKWARD("pooling backward", false),
  RELU_POOLING_BACKWARD("ReLU, pooling backward", false),
  BIAS_RELU_POOLING_BACKWARD("bias, ReLU, pooling backward", false),
  RELU_POOLING_BACKWARD_INPUT_GRADIENT("ReLU, pooling backward, input gradient", true),
  INPUT_GRADIENT("input gradient", true),
  WEIGHT_GRADIENT("weight gradient", true),
  WEIGHT_GRADIENT_WIDENED("weight gradient widened", false),
  WEIGHT_AND_BIAS_GRADIENT("weight, bias gradient", true),
  WEIGHT_AND_BIAS_SUMS("weight, bias sums", false),
  BIAS_GRADIENT("bias gradient", false);

  private final String words;
  private final boolean product;

  LayerWork(String words, boolean product) {
    this.words = words;
    this.product = product;
  }

  /** Returns it for people, and for the rows in {@code bench/results}. */
  String words() {
    return words;
  }

  /** Returns whether it is the layer's product or the gradient of one of its factors. */
  boolean isProduct() {
    return product;
  }
}
