package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Up to four buffers of one layout: each parameter in row-major order on a boundary that suits
 * every vector load. The gaps stay zero under Adam, since a zero gradient moves nothing.
 */
final class CudaParameterArena implements ParameterArena {
  /** Bytes; what the heuristic of cublasLt takes for granted of every operand. */
  static final long ALIGNMENT = 256;

  private static final List<String> TRAINABLE =
      List.of("", ".gradient", ".firstMoment", ".secondMoment");

  private record Slot(String name, Shape shape, long offset) {}

  private final CudaSession session;
  private final List<LayerSpec> layers;
  private final List<Slot> slots = new ArrayList<>();
  private final List<DeviceBuffer> buffers = new ArrayList<>();
  private final List<List<Tensor>> views = new ArrayList<>();
  private long bytes;

  CudaParameterArena(CudaSession session, List<LayerSpec> layers, boolean trainable) {
    this.session = session;
    this.layers = List.copyOf(layers);
    for (LayerSpec layer : layers) {
      addSlot(layer.name() + ".weight", layer.weightShape());
      addSlot(layer.name() + ".bias", layer.biasShape());
    }
    for (String suffix : trainable ? TRAINABLE : TRAINABLE.subList(0, 1)) {
      DeviceBuffer buffer = session.allocate("parameters" + suffix, bytes);
      buffers.add(buffer);
      views.add(viewsOf(buffer, suffix));
    }
  }

  private void addSlot(String name, Shape shape) {
    slots.add(new Slot(name, shape, bytes));
    bytes += Math.ceilDiv((long) shape.elements() * Float.BYTES, ALIGNMENT) * ALIGNMENT;
  }

  private List<Tensor> viewsOf(DeviceBuffer buffer, String suffix) {
    List<Tensor> tensors = new ArrayList<>();
    for (Slot slot : slots) {
      long size = (long) slot.shape().elements() * Float.BYTES;
      tensors.add(
          new CudaTensor(
              session,
              slot.name() + suffix,
              slot.shape(),
              new DeviceSpan(buffer, slot.offset(), size)));
    }
    return List.copyOf(tensors);
  }

  /** Returns the buffers of parameters and, if trainable, gradients and both moments. */
  List<DeviceBuffer> buffers() {
    return buffers;
  }

  /** Returns the elements of each buffer, gaps included: a multiple of 4. */
  int elements() {
    return Math.toIntExact(bytes / Float.BYTES);
  }

  /**
   * Returns the position of a layer.
   *
   * @throws IllegalArgumentException if the arena was not planned for it
   */
  int indexOf(LayerSpec layer) {
    int index = layers.indexOf(layer);
    if (index < 0) {
      throw new IllegalArgumentException("no parameters were created for " + layer);
    }
    return index;
  }

  boolean isTrainable() {
    return buffers.size() > 1;
  }

  @Override
  public List<LayerSpec> layers() {
    return layers;
  }

  @Override
  public List<Tensor> values() {
    return views.getFirst();
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
