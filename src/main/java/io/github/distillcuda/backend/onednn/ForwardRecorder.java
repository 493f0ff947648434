package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.onednn.LayerPlanner.ForwardPlan;
import java.lang.foreign.MemorySegment;

/** Records forward passes of layers. */
final class ForwardRecorder {
  private final OnednnContext context;
  private final Recording recording;

  ForwardRecorder(Recording recording) {
    this.recording = recording;
    context = recording.context();
  }

  OnednnPass record(
      LayerSpec layer, OnednnParameterArena parameters, OnednnTensor input, boolean training) {
    LayerPlanner planner = new LayerPlanner(context);
    if (planner.takesWinograd(layer, training)) {
      return winograd((ConvolutionSpec) layer, parameters, input);
    }
    int index = parameters.indexOf(layer);
    OnednnTensor stored = parameters.weight(index);
    OnednnTensor operand = recording.operand(input);
    long weights =
        stored.dtype() == context.operandType() ? stored.descriptor() : planner.anyWeight(layer);
    ForwardPlan plan =
        planner.forward(layer, recording.batch(), operand.descriptor(), weights, training);
    OnednnTensor source = recording.reorder(operand, plan.product().source());
    OnednnTensor weight = weight(parameters, stored, plan.product().weights());
    OnednnTensor product =
        recording.tensor(
            layer.name() + ".output", layer.productShape(), plan.product().destination());
    recording.add(
        layer.name() + (training ? " forward" : " inference"),
        plan.product(),
        Argument.source(source.memory()),
        Argument.weights(weight.memory()),
        Argument.bias(parameters.bias(index).memory()),
        Argument.destination(product.memory()));
    if (plan.pool() == null) {
      return new OnednnPass(layer, parameters, index, training, plan, source, weight, 0, product);
    }
    OnednnTensor output =
        recording.tensor(layer.name() + ".pooled", layer.outputShape(), plan.output());
    long workspace = pool(layer, plan.pool(), product, output);
    return new OnednnPass(
        layer, parameters, index, training, plan, source, weight, workspace, output);
  }

  /** Records a convolution for inference; filters of frozen parameters are transformed once. */
  private OnednnPass winograd(
      ConvolutionSpec layer, OnednnParameterArena parameters, OnednnTensor input) {
    int index = parameters.indexOf(layer);
    OnednnTensor stored = parameters.weight(index);
    OnednnTensor source =
        recording.reorder(
            input,
            context.channelsLast(LayerPlanner.batched(recording.batch(), layer.inputShape())));
    OnednnTensor taps =
        weight(parameters, stored, context.filtersLast(LayerPlanner.weightDims(layer)));
    MemorySegment transformed = context.scope().allocate(WinogradFilters.bytes(layer));
    Operation filters = new WinogradFilters(context.team(), layer, taps.data(), transformed);
    recording.add(parameters.isTrainable() ? filters : new CopyWhenWritten(stored, filters));
    OnednnTensor output =
        recording.tensor(
            layer.name() + ".pooled",
            layer.outputShape(),
            context.channelsLast(LayerPlanner.batched(recording.batch(), layer.outputShape())));
    recording.add(
        new WinogradConvolution(
            context,
            layer,
            recording.batch(),
            source.data(),
            transformed,
            parameters.bias(index).data(),
            output.data()));
    return new OnednnPass(layer, parameters, index, false, null, source, taps, 0, output);
  }

  /** Returns the weight as the product reads it; copies of frozen ones are made once. */
  private OnednnTensor weight(OnednnParameterArena parameters, OnednnTensor stored, long wanted) {
    if (parameters.isTrainable()) {
      return recording.reorder(stored, wanted);
    }
    return recording.reorderWhenWritten(stored, wanted);
  }

  /** Records the pooling and returns the memory object of its choices; 0 for inference. */
  private long pool(
      LayerSpec layer, PrimitivePlan plan, OnednnTensor product, OnednnTensor output) {
    String name = layer.name() + " pooling";
    Argument source = Argument.source(product.memory());
    Argument destination = Argument.destination(output.memory());
    if (context.api().dnnl_memory_desc_get_size(plan.workspace()) == 0) {
      recording.add(name + ", inference", plan, source, destination);
      return 0;
    }
    long workspace = context.memory(plan.workspace(), context.allocate(plan.workspace()));
    recording.add(name, plan, source, destination, Argument.workspace(workspace));
    return workspace;
  }
}
