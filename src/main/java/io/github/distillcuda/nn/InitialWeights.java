package io.github.distillcuda.nn;

import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.SplitMix64;
import java.util.ArrayList;
import java.util.List;

/**
 * PyTorch's default initial parameters: weights and biases alike from U(-1/sqrt(fanIn),
 * +1/sqrt(fanIn)). The distribution is PyTorch's, the numbers are not: its generators are its own.
 */
public final class InitialWeights {
  private InitialWeights() {}

  /**
   * Draws the parameters of an architecture.
   *
   * @param seed the seed; equal seeds give equal parameters
   * @return the parameters in state-dict order
   */
  public static List<NamedArray> draw(Architecture architecture, long seed) {
    SplitMix64 random = new SplitMix64(seed);
    List<NamedArray> arrays = new ArrayList<>();
    for (LayerSpec layer : architecture.layers()) {
      double bound = 1 / Math.sqrt(layer.fanIn());
      arrays.add(uniform(layer.weightName(), layer.weightShape(), bound, random));
      arrays.add(uniform(layer.biasName(), layer.biasShape(), bound, random));
    }
    return arrays;
  }

  private static NamedArray uniform(String name, Shape shape, double bound, SplitMix64 random) {
    float[] values = new float[shape.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) ((2 * random.nextDouble() - 1) * bound);
    }
    return new NamedArray(name, shape, values);
  }
}
