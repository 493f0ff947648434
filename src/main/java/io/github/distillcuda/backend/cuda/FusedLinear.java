package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.blas.LinearPlan;
import io.github.distillcuda.cuda.dnn.BiasReluPlan;
import io.github.distillcuda.cuda.dnn.ImageShape;
import io.github.distillcuda.cuda.kernels.ConvolutionBlockKernels;
import io.github.distillcuda.cuda.kernels.KernelSizes;

/**
 * The products of a linear layer by cuBLAS, bias and ReLU in one kernel of ours. A bias without a
 * ReLU is cuDNN's.
 */
final class FusedLinear implements CudaPass {
  private final Place place;
  private final LinearSpec spec;
  private final Recording recording;
  private final KernelSizes sizes;
  private final CudaTensor output;

  FusedLinear(Place place, LinearSpec spec) {
    this.place = place;
    this.spec = spec;
    recording = place.recording();
    sizes = KernelSizes.of("rows", recording.batch(), "channels", spec.outFeatures());
    output = recording.tensor(place.name("output"), spec.outputShape());
    recordForward();
  }

  private LinearPlan products(Branch branch) {
    return new LinearPlan(
        recording.lane(branch), recording.batch(), spec.fanIn(), spec.outFeatures());
  }

  private BiasReluPlan bias(Branch branch) {
    return recording
        .session()
        .scope()
        .own(
            new BiasReluPlan(
                recording.lane(branch), ImageShape.rows(recording.batch(), spec.outFeatures())));
  }

  private void recordForward() {
    LinearPlan products = products(place.branch());
    DeviceSpan x = place.input().span();
    DeviceSpan w = place.weight().span();
    DeviceSpan b = place.bias().span();
    DeviceSpan y = output.span();
    recording.reads(place.branch(), place.input());
    recording.library(
        place.branch(), place.name("product"), () -> products.forward(x, w, y), output);
    if (spec.relu()) {
      recording.kernel(
          place.branch(),
          place.name("bias, ReLU"),
          recording
              .session()
              .prepare(ConvolutionBlockKernels.BIAS_RELU, sizes)
              .bind("x", y)
              .bind("bias", b)
              .bind("y", y),
          output);
    } else {
      BiasReluPlan bias = bias(place.branch());
      recording.library(place.branch(), place.name("bias"), () -> bias.addBias(b, y), output);
    }
  }

  @Override
  public CudaTensor backward(CudaTensor gradient, boolean wantInputGradient) {
    recording.reads(Branch.MAIN, gradient, output, place.input());
    CudaTensor product = gradient;
    if (spec.relu()) {
      product = recordRelu(gradient);
    } else {
      BiasReluPlan bias = bias(Branch.MAIN);
      DeviceSpan dy = gradient.span();
      DeviceSpan db = place.biasGradient().span();
      recording.library(
          Branch.MAIN,
          place.name("bias backward"),
          () -> bias.biasGradient(dy, db),
          place.biasGradient());
    }
    return LinearSteps.backward(place, products(Branch.MAIN), product, wantInputGradient);
  }

  private CudaTensor recordRelu(CudaTensor gradient) {
    CudaTensor product = recording.tensor(place.name("product.gradient"), spec.outputShape());
    int chunks = Math.ceilDiv(recording.batch(), ConvolutionBlockKernels.CHUNK);
    BiasGradient bias = new BiasGradient(recording, place, chunks, spec.outFeatures());
    recording.kernel(
        Branch.MAIN,
        place.name("bias, ReLU backward"),
        recording
            .session()
            .prepare(ConvolutionBlockKernels.BIAS_RELU_BACKWARD, sizes)
            .bind("dy", gradient.span())
            .bind("y", output.span())
            .bind("dx", product.span())
            .bind("partials", bias.partials()),
        product,
        bias.partials());
    bias.record();
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
