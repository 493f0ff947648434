package io.github.distillcuda.backend.onednn;

import static io.github.distillcuda.ffi.OnednnConstants.CONVOLUTION_DIRECT;
import static io.github.distillcuda.ffi.OnednnConstants.FORWARD_INFERENCE;
import static io.github.distillcuda.ffi.OnednnConstants.FORWARD_TRAINING;
import static io.github.distillcuda.ffi.OnednnConstants.POOLING_MAX;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.ffi.OnednnDescriptors.Window;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * Plans the forward primitives of layers. Activations keep the order in which the layer before left
 * them wherever oneDNN has a fast implementation for it.
 */
final class LayerPlanner {
  /** The filter of {@link ConvolutionSpec}. */
  static final Window FILTER =
      new Window(
          new long[] {ConvolutionSpec.KERNEL, ConvolutionSpec.KERNEL},
          new long[] {1, 1},
          new long[] {1, 1});

  /** The max-pool of {@link ConvolutionSpec}. */
  static final Window POOL = new Window(new long[] {2, 2}, new long[] {2, 2}, new long[] {0, 0});

  /** Channels from which the products that Winograd's transforms save are worth them. */
  private static final int WINOGRAD_CHANNELS = 64;

  /**
   * The forward primitives of a layer.
   *
   * @param product the convolution or inner product with bias and ReLU
   * @param pool the pooling after it; null for a linear layer
   */
  record ForwardPlan(PrimitivePlan product, PrimitivePlan pool) {
    /** Returns the order of the layer's output. */
    long output() {
      return pool == null ? product.destination() : pool.destination();
    }
  }

  private final OnednnContext context;

  LayerPlanner(OnednnContext context) {
    this.context = context;
  }

  /** Returns the extents of a layer's weight as oneDNN sees them: an image input stays an image. */
  static long[] weightDims(LayerSpec layer) {
    return switch (layer) {
      case ConvolutionSpec c -> dims(c.weightShape());
      case LinearSpec l -> batched(l.outFeatures(), l.inputShape());
    };
  }

  /** Returns the extents of N inputs or outputs. */
  static long[] batched(int batch, Shape one) {
    return dims(one.withBatch(batch));
  }

  /** Returns the extents of a shape. */
  static long[] dims(Shape shape) {
    long[] dims = new long[shape.rank()];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = shape.extent(i);
    }
    return dims;
  }

  /** Returns whether a layer is a {@link WinogradConvolution}. */
  boolean takesWinograd(LayerSpec layer, boolean training) {
    return !training
        && context.operandType() == DType.FLOAT32
        && layer instanceof ConvolutionSpec c
        && Math.min(c.inChannels(), c.outChannels()) >= WINOGRAD_CHANNELS;
  }

  /** Chooses the order of every weight, for layers that run one after the other. */
  List<Long> chooseWeights(List<LayerSpec> layers, int batch, boolean training) {
    List<Long> weights = new ArrayList<>();
    Shape shape = null;
    long source = 0;
    for (LayerSpec layer : layers) {
      if (!layer.inputShape().equals(shape)) {
        source = context.plainOperand(batched(batch, layer.inputShape()));
      }
      shape = layer.outputShape();
      if (takesWinograd(layer, training)) {
        weights.add(context.filtersLast(weightDims(layer)));
        source = context.channelsLast(batched(batch, shape));
        continue;
      }
      ForwardPlan plan = forward(layer, batch, source, anyWeight(layer), training);
      weights.add(storedOrder(layer, plan, batch, training));
      source = plan.output();
    }
    return weights;
  }

  /**
   * Returns the order in which a weight, its gradient and its moments are stored: in float32 the
   * one the forward product reads. In bfloat16 that reads a copy, and its order packs elements in
   * pairs, so the gradient's own it is: then the copy is all that a step converts.
   */
  private long storedOrder(LayerSpec layer, ForwardPlan plan, int batch, boolean training) {
    if (context.operandType() == DType.FLOAT32) {
      return plan.product().weights();
    }
    if (!training) {
      return context.plain(weightDims(layer));
    }
    long gradient =
        layer instanceof LinearSpec l
            ? context.plainOperand(batch, l.outFeatures())
            : plan.product().destination();
    long source = plan.product().source();
    long anySource = context.anyOperand(batched(batch, layer.inputShape()));
    long weights = context.any(weightDims(layer));
    return PrimitivePlan.first(
            context,
            layer.name() + " weight gradient",
            () -> parameterGradients(layer, plan, source, weights, gradient),
            () -> parameterGradients(layer, plan, anySource, weights, anyProduct(layer, batch)))
        .weightsGradient();
  }

  /** Describes a layer's weight as an operand in whatever order is best. */
  long anyWeight(LayerSpec layer) {
    return context.anyOperand(weightDims(layer));
  }

  /** Describes a layer's convolution or inner product as an operand in whatever order is best. */
  long anyProduct(LayerSpec layer, int batch) {
    return context.anyOperand(batched(batch, layer.productShape()));
  }

  /**
   * Plans a layer.
   *
   * @param source the order of the input as it is; another one may be planned if this is slow
   * @param weights the order of the weight as it is, likewise
   */
  ForwardPlan forward(LayerSpec layer, int batch, long source, long weights, boolean training) {
    int propagation = training ? FORWARD_TRAINING : FORWARD_INFERENCE;
    long anySource = context.anyOperand(batched(batch, layer.inputShape()));
    long bias = context.plain(layer.biasShape().extent(0));
    String what = layer.name() + " forward, " + layer.inputShape() + " to " + layer.outputShape();
    return switch (layer) {
      case ConvolutionSpec c -> {
        long destination = anyProduct(c, batch);
        PrimitivePlan convolution =
            PrimitivePlan.first(
                context,
                what,
                () -> convolution(propagation, source, weights, bias, destination),
                () -> convolution(propagation, anySource, weights, bias, destination),
                () -> convolution(propagation, anySource, anyWeight(c), bias, destination));
        yield new ForwardPlan(convolution, pool(c, batch, propagation, convolution));
      }
      case LinearSpec l -> {
        // What no ReLU follows are logits, which the loss reads.
        long destination =
            l.relu()
                ? context.plainOperand(batch, l.outFeatures())
                : context.plain(batch, l.outFeatures());
        yield new ForwardPlan(
            PrimitivePlan.first(
                context,
                what,
                () -> innerProduct(l, propagation, source, weights, bias, destination),
                () -> innerProduct(l, propagation, anySource, weights, bias, destination),
                () -> innerProduct(l, propagation, anySource, anyWeight(l), bias, destination)),
            null);
      }
    };
  }

  private long convolution(
      int propagation, long source, long weights, long bias, long destination) {
    return context
        .describe()
        .convolution_forward(
            context.engine(),
            propagation,
            CONVOLUTION_DIRECT,
            source,
            weights,
            bias,
            destination,
            FILTER,
            context.reluAttributes());
  }

  private PrimitivePlan pool(
      ConvolutionSpec layer, int batch, int propagation, PrimitivePlan convolution) {
    long destination = context.anyOperand(batched(batch, layer.outputShape()));
    return PrimitivePlan.first(
        context,
        layer.name() + " pooling",
        () ->
            context
                .describe()
                .pooling_forward(
                    context.engine(),
                    propagation,
                    POOLING_MAX,
                    convolution.destination(),
                    destination,
                    POOL,
                    context.attributes()));
  }

  private long innerProduct(
      LinearSpec layer, int propagation, long source, long weights, long bias, long destination) {
    return context
        .describe()
        .inner_product_forward(
            context.engine(),
            propagation,
            source,
            weights,
            bias,
            destination,
            layer.relu() ? context.reluAttributes() : context.attributes());
  }

  /**
   * Describes the gradients of a layer's weight and bias.
   *
   * @param source the order of the layer's input
   * @param weights the order of the weight's gradient
   * @param gradient the order of the gradient of the product
   */
  long parameterGradients(
      LayerSpec layer, ForwardPlan plan, long source, long weights, long gradient) {
    long bias = context.plain(layer.biasShape().extent(0));
    long hint = plan.product().descriptor();
    return switch (layer) {
      case ConvolutionSpec c ->
          context
              .describe()
              .convolution_backward_weights(
                  context.engine(),
                  CONVOLUTION_DIRECT,
                  source,
                  weights,
                  bias,
                  gradient,
                  FILTER,
                  hint,
                  context.attributes());
      case LinearSpec l ->
          context
              .describe()
              .inner_product_backward_weights(
                  context.engine(), source, weights, bias, gradient, hint, context.attributes());
    };
  }
}
