package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.kernels.ConvolutionBlockKernels;
import io.github.distillcuda.cuda.kernels.ImageConvolutionKernels;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.tensor.Shape;
import java.util.List;

/**
 * The first layer in kernels of ours: one forward, two backward, in float32 whatever the arithmetic
 * of the others. Three channels are too few for the library's tensor cores.
 */
final class ImageConvolution implements CudaPass {
  private final Place place;
  private final ConvolutionSpec spec;
  private final Recording recording;
  private final CudaSession session;
  private final KernelSizes sizes;
  private final CudaTensor output;
  private final DeviceSpan mask;

  ImageConvolution(Place place, ConvolutionSpec spec) {
    this.place = place;
    this.spec = spec;
    recording = place.recording();
    session = recording.session();
    sizes =
        KernelSizes.of("images", recording.batch(), "channels", spec.outChannels())
            .and("height", spec.height())
            .and("width", spec.width());
    output = recording.tensor(place.name("pooled"), spec.outputShape());
    mask = DeviceSpan.of(session.allocate(place.name("mask"), output.shape().elements()));
    recordForward();
  }

  private void recordForward() {
    recording.reads(place.branch(), place.input());
    recording.kernel(
        place.branch(),
        place.name("convolution, bias, ReLU, pooling"),
        session
            .prepare(ImageConvolutionKernels.POOL_NCHW, sizes)
            .bind("x", place.input().span())
            .bind("weight", place.weight().span())
            .bind("bias", place.bias().span())
            .bind("pooled", output.span())
            .bind("mask", mask),
        output,
        mask);
  }

  /** Nothing in a network wants the gradient of an image, so that path need not be fast. */
  @Override
  public CudaTensor backward(CudaTensor gradient, boolean wantInputGradient) {
    recordParameters(gradient);
    return wantInputGradient
        ? new ConvolutionSteps(place, spec).recordInput(recordProduct(gradient))
        : null;
  }

  private void recordParameters(CudaTensor gradient) {
    int count = ImageConvolutionKernels.partials(sizes);
    DeviceSpan partials =
        session.floats(
            place.name("partials"),
            (long) count * ImageConvolutionKernels.SUMS * spec.outChannels());
    recording.reads(Branch.SIDE, gradient, mask, place.input());
    recording.kernel(
        Branch.SIDE,
        place.name("backward"),
        session
            .prepare(ImageConvolutionKernels.BACKWARD_NCHW, sizes)
            .bind("dPooled", gradient.span())
            .bind("mask", mask)
            .bind("x", place.input().span())
            .bind("partials", partials),
        partials);
    recording.kernel(
        Branch.SIDE,
        place.name("backward, sums"),
        session
            .prepare(
                ImageConvolutionKernels.GRADIENT,
                KernelSizes.of("count", count, "channels", spec.outChannels()))
            .bind("partials", partials)
            .bind("dWeight", place.weightGradient().span())
            .bind("dBias", place.biasGradient().span()),
        place.weightGradient());
  }

  /** Records the gradient of the convolution's product. */
  private CudaTensor recordProduct(CudaTensor gradient) {
    KernelSizes planes =
        KernelSizes.of("planes", Math.multiplyExact(recording.batch(), spec.outChannels()))
            .and("height", spec.height())
            .and("width", spec.width());
    CudaTensor product =
        recording.tensor(
            place.name("product.gradient"),
            Shape.of(spec.outChannels(), spec.height(), spec.width()));
    recording.reads(Branch.MAIN, gradient, mask);
    recording.kernel(
        Branch.MAIN,
        place.name("bias, ReLU, pooling backward"),
        session
            .prepare(
                KernelCatalog.select(
                    List.of(
                        ConvolutionBlockKernels.POOL_BACKWARD_NCHW,
                        ConvolutionBlockKernels.POOL_BACKWARD_NCHW_V1),
                    planes),
                planes)
            .bind("dPooled", gradient.span())
            .bind("mask", mask)
            .bind("dx", product.span())
            .bind(
                "partials",
                session.floats(
                    place.name("unused partials"), (long) recording.batch() * spec.outChannels())),
        product);
    return product;
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
