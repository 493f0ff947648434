package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.blas.LinearPlan;
import io.github.distillcuda.cuda.dnn.BiasReluPlan;
import io.github.distillcuda.cuda.dnn.ImageShape;

/** The products of a linear layer by cuBLAS, bias and ReLU by cuDNN, each on its own. */
final class LibraryLinear implements CudaPass {
  private final Place place;
  private final LinearSpec spec;
  private final Recording recording;
  private final CudaTensor output;

  LibraryLinear(Place place, LinearSpec spec) {
    this.place = place;
    this.spec = spec;
    recording = place.recording();
    output = recording.tensor(place.name("output"), spec.outputShape());
    recordForward();
  }

  private LinearPlan products(Branch branch) {
    return new LinearPlan(
        recording.lane(branch), recording.batch(), spec.fanIn(), spec.outFeatures());
  }

  private BiasReluPlan biasRelu(Branch branch) {
    return recording
        .session()
        .scope()
        .own(
            new BiasReluPlan(
                recording.lane(branch), ImageShape.rows(recording.batch(), spec.outFeatures())));
  }

  private void recordForward() {
    LinearPlan products = products(place.branch());
    BiasReluPlan biasRelu = biasRelu(place.branch());
    DeviceSpan x = place.input().span();
    DeviceSpan w = place.weight().span();
    DeviceSpan b = place.bias().span();
    DeviceSpan y = output.span();
    recording.reads(place.branch(), place.input());
    recording.library(
        place.branch(), place.name("product"), () -> products.forward(x, w, y), output);
    recording.library(place.branch(), place.name("bias"), () -> biasRelu.addBias(b, y), output);
    if (spec.relu()) {
      recording.library(place.branch(), place.name("ReLU"), () -> biasRelu.relu(y), output);
    }
  }

  @Override
  public CudaTensor backward(CudaTensor gradient, boolean wantInputGradient) {
    CudaTensor product = spec.relu() ? recordRelu(gradient) : gradient;
    BiasReluPlan bias = biasRelu(Branch.SIDE);
    DeviceSpan dy = product.span();
    DeviceSpan db = place.biasGradient().span();
    recording.reads(Branch.SIDE, product);
    recording.library(
        Branch.SIDE,
        place.name("bias backward"),
        () -> bias.biasGradient(dy, db),
        place.biasGradient());
    return LinearSteps.backward(place, this::products, product, wantInputGradient);
  }

  private CudaTensor recordRelu(CudaTensor gradient) {
    BiasReluPlan biasRelu = biasRelu(Branch.MAIN);
    recording.reads(Branch.MAIN, gradient, output);
    CudaTensor product = recording.tensor(place.name("product.gradient"), spec.outputShape());
    DeviceSpan y = output.span();
    DeviceSpan dy = gradient.span();
    DeviceSpan dx = product.span();
    recording.library(
        Branch.MAIN, place.name("ReLU backward"), () -> biasRelu.reluGradient(y, dy, dx), product);
    return product;
  }

  @Override
  public LinearSpec layer() {
    return spec;
  }

  @Override
  public boolean training() {
    return place.training();
  }

  @Override
  public CudaTensor output() {
    return output;
  }
}
