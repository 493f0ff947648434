package io.github.distillcuda.backend;

import com.google.gson.JsonObject;
import io.github.distillcuda.tensor.Shape;
import java.util.stream.Stream;

/**
 * One layer of the golden files: its inputs from the hash, its results from PyTorch.
 *
 * @param bound the largest whole number where all inputs are whole numbers, so that every precision
 *     has the same bits; 0 where they are not
 */
record GoldenLayer(String name, LayerSpec spec, int batch, long seed, int bound) {
  static Stream<GoldenLayer> all() {
    return Golden.list("layers").asList().stream().map(e -> of(e.getAsJsonObject()));
  }

  private static GoldenLayer of(JsonObject json) {
    String name = json.get("name").getAsString();
    Shape input = Shape.of(Golden.integers(json.get("input")));
    int outputs = json.get("outputs").getAsInt();
    LayerSpec spec =
        json.get("kind").getAsString().equals("convolution")
            ? new ConvolutionSpec(name, input.extent(0), input.extent(1), input.extent(2), outputs)
            : new LinearSpec(name, input, outputs, json.get("relu").getAsBoolean());
    return new GoldenLayer(
        name,
        spec,
        json.get("batch").getAsInt(),
        json.get("seed").getAsLong(),
        json.has("integers") ? json.get("integers").getAsInt() : 0);
  }

  /** Returns whether results must be PyTorch's to the bit. */
  boolean exact() {
    return bound > 0;
  }

  LayerProbe.Inputs inputs() {
    return new LayerProbe.Inputs(
        parameter(0, spec.weightShape()),
        parameter(1, spec.biasShape()),
        activation(2, spec.inputShape()),
        activation(3, spec.outputShape()));
  }

  /** Returns what PyTorch computed: output, inputGradient, weightGradient or biasGradient. */
  double[] result(String result) {
    return Golden.doubles("layer." + name + "." + result);
  }

  /** Returns the same sums over absolute values. */
  double[] magnitude(String result) {
    return Golden.doubles("layer." + name + "." + result + ".magnitude");
  }

  private float[] parameter(int offset, Shape shape) {
    int count = shape.elements();
    return exact()
        ? GoldenHash.integers(seed + offset, count, bound)
        : GoldenHash.weights(seed + offset, count, spec.fanIn());
  }

  private float[] activation(int offset, Shape one) {
    int count = one.withBatch(batch).elements();
    return exact()
        ? GoldenHash.integers(seed + offset, count, bound)
        : GoldenHash.symmetric(seed + offset, count, 1);
  }

  @Override
  public String toString() {
    return name;
  }
}
