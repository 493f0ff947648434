package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.kernels.ConvolutionBlockKernels;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.tensor.Shape;
import java.util.List;

/**
 * Convolution by cuDNN; bias, ReLU and pooling in one kernel of ours, which leaves a byte an output
 * for the backward pass, and that in another.
 */
final class FusedConvolution implements CudaPass {
  private final Place place;
  private final ConvolutionSpec spec;
  private final Recording recording;
  private final CudaSession session;
  private final ConvolutionSteps convolution;
  private final KernelSizes sizes;
  private final CudaTensor output;
  private final DeviceSpan mask;

  FusedConvolution(Place place, ConvolutionSpec spec) {
    this.place = place;
    this.spec = spec;
    recording = place.recording();
    session = recording.session();
    convolution = new ConvolutionSteps(place, spec);
    sizes =
        KernelSizes.of("planes", Math.multiplyExact(recording.batch(), spec.outChannels()))
            .and("channels", spec.outChannels())
            .and("height", spec.height())
            .and("width", spec.width());
    output = recording.tensor(place.name("pooled"), spec.outputShape());
    mask = DeviceSpan.of(session.allocate(place.name("mask"), output.shape().elements()));
    recordForward();
  }

  private Shape productShape() {
    return Shape.of(spec.outChannels(), spec.height(), spec.width());
  }

  private void recordForward() {
    CudaTensor product = recording.tensor(place.name("product"), productShape());
    convolution.forward(product);
    recording.kernel(
        place.branch(),
        place.name("bias, ReLU, pooling"),
        session
            .prepare(
                KernelCatalog.select(
                    List.of(
                        ConvolutionBlockKernels.POOL_NCHW, ConvolutionBlockKernels.POOL_NCHW_V1),
                    sizes),
                sizes)
            .bind("x", product.span())
            .bind("bias", place.bias().span())
            .bind("pooled", output.span())
            .bind("mask", mask),
        output,
        mask);
  }

  @Override
  public CudaTensor backward(CudaTensor gradient, boolean wantInputGradient) {
    CudaTensor product = recording.tensor(place.name("product.gradient"), productShape());
    BiasGradient bias = new BiasGradient(recording, place, recording.batch(), spec.outChannels());
    recording.reads(Branch.MAIN, gradient, output, mask);
    recording.kernel(
        Branch.MAIN,
        place.name("bias, ReLU, pooling backward"),
        session
            .prepare(
                KernelCatalog.select(
                    List.of(
                        ConvolutionBlockKernels.POOL_BACKWARD_NCHW,
                        ConvolutionBlockKernels.POOL_BACKWARD_NCHW_V1),
                    sizes),
                sizes)
            .bind("dPooled", gradient.span())
            .bind("mask", mask)
            .bind("dx", product.span())
            .bind("partials", bias.partials()),
        product,
        bias.partials());
    bias.record();
    return convolution.backward(product, wantInputGradient);
  }

  @Override
  public ConvolutionSpec layer() {
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
