package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Up to four flat segments of one layout. A weight lies in the order that its layer's forward
 * primitive prefers for the planned batch. What that order pads, and the gaps that align the
 * parameters, stay zero under Adam, since a zero gradient moves nothing.
 */
final class OnednnParameterArena implements ParameterArena {
  private static final long ALIGNMENT = 64;

  /** Where one parameter lies in each of the segments. */
  private record Slot(
      String name, Shape shape, long descriptor, long plain, long offset, long bytes) {}

  private final OnednnContext context;
  private final List<LayerSpec> layers;
  private final List<Slot> slots = new ArrayList<>();
  private final MemorySegment[] segments;
  private final List<List<Tensor>> views = new ArrayList<>();
  private long bytes;

  /**
   * Allocates the segments.
   *
   * @param weights the order of each layer's weight
   * @param trainable whether there are gradients and moments
   */
  OnednnParameterArena(
      OnednnContext context, List<LayerSpec> layers, List<Long> weights, boolean trainable) {
    this.context = context;
    this.layers = List.copyOf(layers);
    for (int i = 0; i < layers.size(); i++) {
      LayerSpec layer = layers.get(i);
      long plainWeight = context.plain(LayerPlanner.weightDims(layer));
      addSlot(layer.weightName(), layer.weightShape(), weights.get(i), plainWeight);
      long bias = context.plain(layer.biasShape().extent(0));
      addSlot(layer.biasName(), layer.biasShape(), bias, bias);
    }
    String[] suffixes =
        trainable
            ? new String[] {"", ".gradient", ".firstMoment", ".secondMoment"}
            : new String[] {""};
    segments = new MemorySegment[suffixes.length];
    for (int i = 0; i < suffixes.length; i++) {
      segments[i] = context.scope().allocate(bytes);
      views.add(viewsOf(segments[i], suffixes[i]));
    }
  }

  private void addSlot(String name, Shape shape, long descriptor, long plain) {
    long size = context.api().dnnl_memory_desc_get_size(descriptor);
    slots.add(new Slot(name, shape, descriptor, plain, bytes, size));
    bytes += Math.ceilDiv(size, ALIGNMENT) * ALIGNMENT;
  }

  private List<Tensor> viewsOf(MemorySegment segment, String suffix) {
    List<Tensor> tensors = new ArrayList<>();
    for (Slot slot : slots) {
      MemorySegment data = segment.asSlice(slot.offset(), slot.bytes());
      tensors.add(
          new OnednnTensor(
              context, slot.name() + suffix, slot.shape(), slot.descriptor(), slot.plain(), data));
    }
    return List.copyOf(tensors);
  }

  /** Returns the segments of parameters and, if trainable, gradients and both moments. */
  MemorySegment[] segments() {
    return segments;
  }

  /** Returns the weight of the layer at a position of {@link #indexOf}. */
  OnednnTensor weight(int layer) {
    return (OnednnTensor) values().get(2 * layer);
  }

  /** Returns its bias. */
  OnednnTensor bias(int layer) {
    return (OnednnTensor) values().get(2 * layer + 1);
  }

  /** Returns the gradient of its weight; there must be one. */
  OnednnTensor weightGradient(int layer) {
    return (OnednnTensor) gradients().get(2 * layer);
  }

  /** Returns the gradient of its bias; there must be one. */
  OnednnTensor biasGradient(int layer) {
    return (OnednnTensor) gradients().get(2 * layer + 1);
  }

  boolean isTrainable() {
    return segments.length > 1;
  }

  @Override
  public List<LayerSpec> layers() {
    return layers;
  }

  @Override
  public List<Tensor> values() {
    return views.get(0);
  }

  @Override
  public List<Tensor> gradients() {
    return isTrainable() ? views.get(1) : List.of();
  }

  @Override
  public List<Tensor> firstMoments() {
    return isTrainable() ? views.get(2) : List.of();
  }

  @Override
  public List<Tensor> secondMoments() {
    return isTrainable() ? views.get(3) : List.of();
  }
}
