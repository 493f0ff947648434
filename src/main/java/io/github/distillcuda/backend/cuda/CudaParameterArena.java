package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.backend.ParameterArena;
import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.KernelLaunch;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.RoundingKernels;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Up to four float32 buffers of one layout: each parameter on a boundary that suits every vector
 * load. The gaps stay zero under Adam, since a zero gradient moves nothing. Where operands are
 * bfloat16 there is one more buffer for the rounded parameters, and filters and weights of images
 * have their channels last.
 */
final class CudaParameterArena implements ParameterArena {
  /** Bytes; what the heuristic of cublasLt takes for granted of every operand. */
  static final long ALIGNMENT = 256;

  private static final List<String> TRAINABLE =
      List.of("", ".gradient", ".firstMoment", ".secondMoment");

  /**
   * The place of a parameter.
   *
   * @param begin its first element
   */
  private record Slot(String name, Shape shape, ElementOrder order, long begin) {}

  private final CudaSession session;
  private final List<LayerSpec> layers;
  private final List<Slot> slots = new ArrayList<>();
  private final List<DeviceBuffer> buffers = new ArrayList<>();
  private final List<List<Tensor>> views = new ArrayList<>();
  private final DeviceBuffer operands;
  private long elements;

  CudaParameterArena(CudaSession session, List<LayerSpec> layers, boolean trainable) {
    this.session = session;
    this.layers = List.copyOf(layers);
    for (LayerSpec layer : layers) {
      addSlot(layer.weightName(), layer.weightShape(), session.order(weightRow(layer)));
      addSlot(layer.biasName(), layer.biasShape(), ElementOrder.ROW_MAJOR);
    }
    for (String suffix : trainable ? TRAINABLE : TRAINABLE.subList(0, 1)) {
      DeviceBuffer buffer = session.allocate("parameters" + suffix, elements * Float.BYTES);
      buffers.add(buffer);
      views.add(viewsOf(buffer, suffix));
    }
    boolean rounded = session.operands() == DType.BFLOAT16;
    operands =
        rounded
            ? session.allocate("parameters.rounded", elements * session.operands().bytes())
            : buffers.getFirst();
    if (rounded && !trainable) {
      views.getFirst().forEach(tensor -> roundAfterWrites((CudaTensor) tensor));
    }
  }

  /** Returns what a row of the weight multiplies. */
  private static Shape weightRow(LayerSpec layer) {
    return switch (layer) {
      case ConvolutionSpec convolution ->
          Shape.of(convolution.inChannels(), ConvolutionSpec.KERNEL, ConvolutionSpec.KERNEL);
      case LinearSpec linear -> linear.inputShape();
    };
  }

  private void addSlot(String name, Shape shape, ElementOrder order) {
    slots.add(new Slot(name, shape, order, elements));
    elements += aligned(shape, session.operands());
  }

  private static long aligned(Shape shape, DType operands) {
    long multiple = ALIGNMENT / operands.bytes();
    return Math.ceilDiv(shape.elements(), multiple) * multiple;
  }

  /** Returns the bytes of all buffers together. */
  static long bytes(List<LayerSpec> layers, boolean trainable, DType operands) {
    long one = 0;
    for (LayerSpec layer : layers) {
      one += aligned(layer.weightShape(), operands) + aligned(layer.biasShape(), operands);
    }
    long rounded = operands == DType.FLOAT32 ? 0 : one * operands.bytes();
    return (trainable ? TRAINABLE.size() : 1) * one * Float.BYTES + rounded;
  }

  private List<Tensor> viewsOf(DeviceBuffer buffer, String suffix) {
    List<Tensor> tensors = new ArrayList<>();
    for (Slot slot : slots) {
      tensors.add(
          new CudaTensor(
              session,
              slot.name() + suffix,
              slot.shape(),
              new DeviceSpan(
                  buffer, slot.begin() * Float.BYTES, (long) slot.shape().elements() * Float.BYTES),
              DType.FLOAT32,
              slot.order()));
    }
    return List.copyOf(tensors);
  }

  /** A frozen parameter changes only when the host writes it. */
  private void roundAfterWrites(CudaTensor tensor) {
    int padded = RoundingKernels.padded(tensor.shape().elements());
    tensor.afterWrite(
        session
            .prepare(RoundingKernels.ROUND, KernelSizes.of("n", padded))
            .bind("x", tensor.span())
            .bind("y", operand(views.getFirst().indexOf(tensor))));
  }

  /** Returns the launch that rounds all parameters; trained ones need it in every step. */
  KernelLaunch rounding() {
    return session
        .prepare(RoundingKernels.ROUND, KernelSizes.of("n", elements()))
        .bind("x", buffers.getFirst())
        .bind("y", operands);
  }

  /** Returns a parameter as products read it, in the type of operands. */
  DeviceSpan operand(int index) {
    Slot slot = slots.get(index);
    int bytes = session.operands().bytes();
    return new DeviceSpan(operands, slot.begin() * bytes, (long) slot.shape().elements() * bytes);
  }

  /** Returns the buffers of parameters and, if trainable, gradients and both moments. */
  List<DeviceBuffer> buffers() {
    return buffers;
  }

  /** Returns the elements of each buffer, gaps included: a multiple of 4. */
  int elements() {
    return Math.toIntExact(elements);
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
