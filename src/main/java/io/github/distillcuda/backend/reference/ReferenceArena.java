package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.Lifetime;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The parameters of a model one after the other, layer by layer, weight before bias, without
 * padding; gradients and moments likewise in arrays of their own.
 */
final class ReferenceArena extends Owned implements ParameterArena {
  private final List<LayerSpec> layers;
  private final boolean trainable;
  private final double[] values;
  private final double[] gradients;
  private final double[] firstMoments;
  private final double[] secondMoments;
  private final List<ReferenceTensor> valueViews;
  private final List<ReferenceTensor> gradientViews;
  private final List<ReferenceTensor> firstMomentViews;
  private final List<ReferenceTensor> secondMomentViews;

  ReferenceArena(Lifetime lifetime, List<LayerSpec> layers, boolean trainable) {
    super(lifetime);
    this.layers = List.copyOf(layers);
    this.trainable = trainable;
    checkNames(layers);
    int parameters = 0;
    for (LayerSpec layer : layers) {
      parameters =
          Math.addExact(parameters, layer.weightShape().elements() + layer.biasShape().elements());
    }
    values = new double[parameters];
    gradients = new double[trainable ? parameters : 0];
    firstMoments = new double[trainable ? parameters : 0];
    secondMoments = new double[trainable ? parameters : 0];
    valueViews = views(values, "");
    gradientViews = trainable ? views(gradients, ".gradient") : List.of();
    firstMomentViews = trainable ? views(firstMoments, ".firstMoment") : List.of();
    secondMomentViews = trainable ? views(secondMoments, ".secondMoment") : List.of();
  }

  @Override
  public List<LayerSpec> layers() {
    return layers;
  }

  @Override
  public List<Tensor> values() {
    return Collections.unmodifiableList(valueViews);
  }

  @Override
  public List<Tensor> gradients() {
    return Collections.unmodifiableList(gradientViews);
  }

  @Override
  public List<Tensor> firstMoments() {
    return Collections.unmodifiableList(firstMomentViews);
  }

  @Override
  public List<Tensor> secondMoments() {
    return Collections.unmodifiableList(secondMomentViews);
  }

  boolean trainable() {
    return trainable;
  }

  /**
   * Returns the views of one layer.
   *
   * @throws IllegalArgumentException if the arena was not planned for the layer
   */
  LayerParameters of(LayerSpec layer) {
    int weight = 2 * indexOf(layer);
    int bias = weight + 1;
    return new LayerParameters(
        valueViews.get(weight),
        valueViews.get(bias),
        trainable ? gradientViews.get(weight) : null,
        trainable ? gradientViews.get(bias) : null);
  }

  /** The whole of the parameters, as the optimizer sees them. */
  double[] flatValues() {
    return values;
  }

  /** The whole of the gradients, of the same layout; empty unless trainable. */
  double[] flatGradients() {
    return gradients;
  }

  /** The whole of the first moments, of the same layout; empty unless trainable. */
  double[] flatFirstMoments() {
    return firstMoments;
  }

  /** The whole of the second moments, of the same layout; empty unless trainable. */
  double[] flatSecondMoments() {
    return secondMoments;
  }

  private List<ReferenceTensor> views(double[] flat, String suffix) {
    List<ReferenceTensor> views = new ArrayList<>();
    int start = 0;
    for (LayerSpec layer : layers) {
      String weight = layer.weightName() + suffix;
      views.add(view(weight, layer.weightShape(), flat, start));
      start += layer.weightShape().elements();
      String bias = layer.biasName() + suffix;
      views.add(view(bias, layer.biasShape(), flat, start));
      start += layer.biasShape().elements();
    }
    return views;
  }

  private ReferenceTensor view(String name, Shape shape, double[] flat, int start) {
    return new ReferenceTensor(lifetime(), name, shape, flat, start);
  }

  private static void checkNames(List<LayerSpec> layers) {
    Set<String> names = new HashSet<>();
    for (LayerSpec layer : layers) {
      if (!names.add(layer.name())) {
        throw new IllegalArgumentException("two layers are named " + layer.name());
      }
    }
  }
}
