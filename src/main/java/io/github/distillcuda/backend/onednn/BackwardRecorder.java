package io.github.distillcuda.backend.onednn;

import static io.github.distillcuda.ffi.OnednnConstants.CONVOLUTION_DIRECT;
import static io.github.distillcuda.ffi.OnednnConstants.ELTWISE_RELU_USE_DST;
import static io.github.distillcuda.ffi.OnednnConstants.FORWARD_TRAINING;
import static io.github.distillcuda.ffi.OnednnConstants.POOLING_MAX;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LinearSpec;

/**
 * Records backward passes of layers: ReLU, pooling, weight and bias, input.
 *
 * <p>The ReLU of a convolution is taken back on the pooled tensor, a quarter of the elements: where
 * the largest of four is zero its gradient vanishes either way.
 */
final class BackwardRecorder {
  private final OnednnContext context;
  private final Recording recording;
  private final OnednnPass pass;
  private final LayerPlanner planner;

  BackwardRecorder(Recording recording, OnednnPass pass) {
    this.recording = recording;
    this.pass = pass;
    context = recording.context();
    planner = new LayerPlanner(context);
  }

  /** Records the pass and returns the gradient of its input, null unless wanted. */
  OnednnTensor record(OnednnTensor outputGradient, boolean wantInputGradient) {
    OnednnTensor gradient =
        switch (pass.layer()) {
          case ConvolutionSpec c -> unpool(c, relu(outputGradient));
          case LinearSpec l -> l.relu() ? relu(outputGradient) : recording.operand(outputGradient);
        };
    recordParameters(gradient);
    return wantInputGradient ? recordInput(gradient) : null;
  }

  private String name(String what) {
    return pass.layer().name() + " " + what;
  }

  /** Records the ReLU, in place, in the order of the output it was applied to. */
  private OnednnTensor relu(OnednnTensor outputGradient) {
    OnednnTensor output = pass.output();
    OnednnTensor gradient = recording.reorder(outputGradient, output.descriptor());
    long order = output.descriptor();
    // oneDNN wants a hint for every backward primitive; this one's is never run.
    PrimitivePlan forward =
        PrimitivePlan.first(
            context,
            name("ReLU"),
            () ->
                context
                    .describe()
                    .eltwise_forward(
                        context.engine(),
                        FORWARD_TRAINING,
                        ELTWISE_RELU_USE_DST,
                        order,
                        order,
                        0,
                        0,
                        context.attributes()));
    PrimitivePlan plan =
        PrimitivePlan.first(
            context,
            name("ReLU backward"),
            () ->
                context
                    .describe()
                    .eltwise_backward(
                        context.engine(),
                        ELTWISE_RELU_USE_DST,
                        order,
                        order,
                        order,
                        0,
                        0,
                        forward.descriptor(),
                        context.attributes()));
    recording.add(
        name("ReLU backward"),
        plan,
        Argument.destination(output.memory()),
        Argument.destinationGradient(gradient.memory()),
        Argument.sourceGradient(gradient.memory()));
    return gradient;
  }

  private OnednnTensor unpool(ConvolutionSpec layer, OnednnTensor gradient) {
    PrimitivePlan forward = pass.plan().pool();
    PrimitivePlan plan =
        PrimitivePlan.first(
            context,
            name("pooling backward"),
            () ->
                context
                    .describe()
                    .pooling_backward(
                        context.engine(),
                        POOLING_MAX,
                        pass.plan().product().destination(),
                        gradient.descriptor(),
                        LayerPlanner.POOL,
                        forward.descriptor(),
                        context.attributes()));
    OnednnTensor unpooled =
        recording.tensor(
            layer.name() + ".output.gradient", layer.productShape(), plan.sourceGradient());
    recording.add(
        name("pooling backward"),
        plan,
        Argument.destinationGradient(gradient.memory()),
        Argument.workspace(pass.workspace()),
        Argument.sourceGradient(unpooled.memory()));
    return unpooled;
  }

  /** Records the gradients of weight and bias, into the arena. */
  private void recordParameters(OnednnTensor gradient) {
    OnednnTensor stored = pass.parameters().weightGradient(pass.index());
    long source = pass.source().descriptor();
    long anySource =
        context.anyOperand(LayerPlanner.batched(recording.batch(), pass.layer().inputShape()));
    long anyWeight = context.any(LayerPlanner.weightDims(pass.layer()));
    PrimitivePlan plan =
        PrimitivePlan.first(
            context,
            name("weight gradient"),
            () -> parameterGradients(source, stored.descriptor(), gradient.descriptor()),
            () -> parameterGradients(source, anyWeight, gradient.descriptor()),
            () -> parameterGradients(anySource, anyWeight, anyGradient()));
    OnednnTensor weightGradient = recording.ordered(stored, plan.weightsGradient());
    recording.add(
        name("weight gradient"),
        plan,
        Argument.source(recording.reorder(pass.source(), plan.source()).memory()),
        Argument.destinationGradient(
            recording.reorder(gradient, plan.destinationGradient()).memory()),
        Argument.weightsGradient(weightGradient.memory()),
        Argument.biasGradient(pass.parameters().biasGradient(pass.index()).memory()));
    if (weightGradient != stored) {
      recording.copy(weightGradient, stored);
    }
  }

  private long parameterGradients(long source, long weights, long gradient) {
    return planner.parameterGradients(pass.layer(), pass.plan(), source, weights, gradient);
  }

  private long anyGradient() {
    return planner.anyProduct(pass.layer(), recording.batch());
  }

  /**
   * Records the gradient of the input. An inner product can take the weight as it is, at half the
   * time of a reorder and a product; a convolution cannot, and has it reordered in every step.
   */
  private OnednnTensor recordInput(OnednnTensor gradient) {
    OnednnTensor weight = pass.weight();
    long anySource =
        context.anyOperand(LayerPlanner.batched(recording.batch(), pass.layer().inputShape()));
    long anyWeight = context.anyOperand(LayerPlanner.weightDims(pass.layer()));
    PrimitivePlan plan =
        PrimitivePlan.first(
            context,
            name("input gradient"),
            () ->
                inputGradient(
                    pass.source().descriptor(), weight.descriptor(), gradient.descriptor()),
            () -> inputGradient(anySource, anyWeight, gradient.descriptor()),
            () -> inputGradient(anySource, anyWeight, anyGradient()));
    OnednnTensor inputGradient =
        recording.tensor(name("input gradient"), pass.layer().inputShape(), plan.sourceGradient());
    recording.add(
        name("input gradient"),
        plan,
        Argument.destinationGradient(
            recording.reorder(gradient, plan.destinationGradient()).memory()),
        Argument.weights(recording.reorder(weight, plan.weights()).memory()),
        Argument.sourceGradient(inputGradient.memory()));
    return inputGradient;
  }

  private long inputGradient(long source, long weights, long gradient) {
    long hint = pass.plan().product().descriptor();
    return switch (pass.layer()) {
      case ConvolutionSpec c ->
          context
              .describe()
              .convolution_backward_data(
                  context.engine(),
                  CONVOLUTION_DIRECT,
                  source,
                  weights,
                  gradient,
                  LayerPlanner.FILTER,
                  hint,
                  context.attributes());
      case LinearSpec l ->
          context
              .describe()
              .inner_product_backward_data(
                  context.engine(), source, weights, gradient, hint, context.attributes());
    };
  }
}
