package io.github.distillcuda.nn;

import io.github.distillcuda.backend.AdamSpec;
import io.github.distillcuda.backend.Backend;
import io.github.distillcuda.backend.LayerPass;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.backend.StepRecorder;
import io.github.distillcuda.backend.StepState;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Tensor;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * An architecture with its parameters on a backend. Records forward and backward passes layer by
 * layer; a frozen network has neither gradients nor optimizer state.
 */
public final class Network {
  private final Architecture architecture;
  private final ParameterArena parameters;

  private Network(Architecture architecture, ParameterArena parameters) {
    this.architecture = architecture;
    this.parameters = parameters;
  }

  /** A network that can be trained with steps of about {@code batch} rows, all zero at first. */
  public static Network trainable(Backend backend, Architecture architecture, int batch) {
    return new Network(architecture, backend.createParameters(architecture.layers(), batch, true));
  }

  /** A network for forward passes alone, all zero at first. */
  public static Network frozen(Backend backend, Architecture architecture, int batch) {
    return new Network(architecture, backend.createParameters(architecture.layers(), batch, false));
  }

  /** Returns the architecture. */
  public Architecture architecture() {
    return architecture;
  }

  /** Returns the parameters, with gradients and moments where trainable. */
  public ParameterArena parameters() {
    return parameters;
  }

  /**
   * Overwrites the parameters.
   *
   * @param arrays the parameters in state-dict order, with the names and shapes of the architecture
   * @throws IllegalArgumentException if they are not
   */
  public void load(List<NamedArray> arrays) {
    write(arrays, parameters.values());
  }

  /** Returns a copy of the parameters in state-dict order. */
  public List<NamedArray> save() {
    return read(parameters.values());
  }

  /** Overwrites Adam's moments, each in state-dict order as {@link #saveFirstMoments} gave them. */
  public void loadMoments(List<NamedArray> first, List<NamedArray> second) {
    write(first, parameters.firstMoments());
    write(second, parameters.secondMoments());
  }

  /** Returns a copy of Adam's first moments in state-dict order. */
  public List<NamedArray> saveFirstMoments() {
    return read(parameters.firstMoments());
  }

  /** Returns a copy of Adam's second moments in state-dict order. */
  public List<NamedArray> saveSecondMoments() {
    return read(parameters.secondMoments());
  }

  /** Returns a copy of the gradients of the last step in state-dict order. */
  public List<NamedArray> saveGradients() {
    return read(parameters.gradients());
  }

  /**
   * Records a forward pass.
   *
   * @param images [N, 3, 32, 32]
   * @param training whether {@link #backward} will follow
   * @return the passes of the layers in order; the last one's output is the logits [N, classes]
   */
  public List<LayerPass> forward(StepRecorder step, Tensor images, boolean training) {
    List<LayerPass> passes = new ArrayList<>();
    Tensor input = images;
    for (LayerSpec layer : parameters.layers()) {
      LayerPass pass = step.forward(layer, parameters, input, training);
      passes.add(pass);
      input = pass.output();
    }
    return passes;
  }

  /** Returns the logits of a forward pass, [N, classes]. */
  public static Tensor logits(List<LayerPass> passes) {
    return passes.getLast().output();
  }

  /**
   * Records the backward pass: overwrites every gradient of the arena.
   *
   * @param passes what {@link #forward} returned
   * @param gradLogits the gradient of the loss with respect to the logits, [N, classes]
   */
  public void backward(StepRecorder step, List<LayerPass> passes, Tensor gradLogits) {
    Tensor gradient = gradLogits;
    for (int i = passes.size() - 1; i >= 0; i--) {
      gradient = step.backward(passes.get(i), gradient, i > 0);
    }
  }

  /** Records the optimizer's step. */
  public void adam(StepRecorder step, AdamSpec adam, StepState state) {
    step.adam(adam, parameters, state);
  }

  private void write(List<NamedArray> arrays, List<Tensor> tensors) {
    if (arrays.size() != tensors.size()) {
      throw new IllegalArgumentException(
          arrays.size() + " arrays for " + tensors.size() + " parameters");
    }
    Iterator<String> names = architecture.stateDict().keySet().iterator();
    for (int i = 0; i < arrays.size(); i++) {
      NamedArray array = arrays.get(i);
      String name = names.next();
      if (!array.name().equals(name) || !array.shape().equals(tensors.get(i).shape())) {
        throw new IllegalArgumentException(
            "%s %s where %s %s belongs"
                .formatted(array.name(), array.shape(), name, tensors.get(i).shape()));
      }
      tensors.get(i).write(array.values());
    }
  }

  private List<NamedArray> read(List<Tensor> tensors) {
    List<NamedArray> arrays = new ArrayList<>();
    Iterator<String> names = architecture.stateDict().keySet().iterator();
    for (Tensor tensor : tensors) {
      float[] values = new float[tensor.shape().elements()];
      tensor.read(values);
      arrays.add(new NamedArray(names.next(), tensor.shape(), values));
    }
    return arrays;
  }
}
