package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.kernels.ConvolutionBlockKernels;
import io.github.distillcuda.cuda.kernels.KernelSizes;

/**
 * A convolution by cuDNN on bfloat16 images with their channels last, and bias, ReLU and pooling in
 * one kernel of ours, which leaves a byte an output for the backward pass. That is one kernel too,
 * which sums the gradient of the bias; those of filter and input are cuDNN's.
 */
final class ChannelsLastConvolution implements CudaLayer {
  private final Place place;
  private final ConvolutionSpec spec;
  private final Recording recording;
  private final CudaSession session;
  private final KernelSizes sizes;
  private final DeviceSpan mask;

  ChannelsLastConvolution(Place place, ConvolutionSpec spec) {
    this.place = place;
    this.spec = spec;
    recording = place.recording();
    session = recording.session();
    int windows = Math.multiplyExact(recording.batch(), spec.height() / 2 * (spec.width() / 2));
    sizes =
        KernelSizes.of("windows", windows, "channels", spec.outChannels())
            .and("height", spec.height())
            .and("width", spec.width());
    int outputs = spec.outputShape().withBatch(recording.batch()).elements();
    mask = DeviceSpan.of(session.allocate(place.name("mask"), outputs));
  }

  private CudaTensor product(String name) {
    return recording.operandTensor(place.name(name), spec.productShape());
  }

  @Override
  public CudaTensor forward() {
    CudaTensor output = recording.operandTensor(place.name("pooled"), spec.outputShape());
    CudaTensor product = product("product");
    new ConvolutionSteps(place, spec).forward(product);
    recording.kernel(
        place.branch(),
        place.work(LayerWork.BIAS_RELU_POOLING),
        session
            .prepare(ConvolutionBlockKernels.POOL_NHWC, sizes)
            .bind("x", product.span())
            .bind("bias", place.bias().span())
            .bind("pooled", output.span())
            .bind("mask", mask),
        output,
        mask);
    return output;
  }

  @Override
  public CudaTensor backward(CudaTensor output, CudaTensor gradient, boolean wantInputGradient) {
    int chunks = Math.ceilDiv((int) sizes.get("windows"), ConvolutionBlockKernels.CHUNK);
    BiasGradient bias = new BiasGradient(recording, place, chunks, spec.outChannels());
    CudaTensor productGradient = product("product.gradient");
    recording.reads(Branch.MAIN, gradient, mask);
    recording.kernel(
        Branch.MAIN,
        place.work(LayerWork.BIAS_RELU_POOLING_BACKWARD),
        session
            .prepare(ConvolutionBlockKernels.POOL_BACKWARD_NHWC, sizes)
            .bind("dPooled", gradient.span())
            .bind("mask", mask)
            .bind("dx", productGradient.span())
            .bind("partials", bias.partials()),
        productGradient,
        bias.partials());
    bias.record();
    return new ConvolutionSteps(place, spec).backward(productGradient, wantInputGradient);
  }
}
