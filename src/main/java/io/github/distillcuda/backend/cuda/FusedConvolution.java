package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.MathMode;
import io.github.distillcuda.cuda.kernels.ConvolutionBlockKernels;
import io.github.distillcuda.cuda.kernels.ConvolutionKernels;
import io.github.distillcuda.cuda.kernels.FilterGradientKernels;
import io.github.distillcuda.cuda.kernels.FilterGradientTensorCoreKernels;
import io.github.distillcuda.cuda.kernels.ImageConvolutionKernels;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import java.util.List;

/**
 * A convolution with bias, ReLU and pooling in a kernel of ours, which leaves a byte an output for
 * the backward pass. On images of three channels, too few for tensor cores, and in TF32 that kernel
 * computes the convolution, too; else cuDNN does. Backward, two kernels of ours compute the
 * gradients of filters and biases through the pool. That of the input is a kernel of ours, too, in
 * TF32, else cuDNN's.
 */
final class FusedConvolution implements CudaLayer {
  private final Place place;
  private final ConvolutionSpec spec;
  private final Recording recording;
  private final CudaSession session;
  private final DeviceSpan mask;

  FusedConvolution(Place place, ConvolutionSpec spec) {
    this.place = place;
    this.spec = spec;
    recording = place.recording();
    session = recording.session();
    int outputs = spec.outputShape().withBatch(recording.batch()).elements();
    mask = DeviceSpan.of(session.allocate(place.name("mask"), outputs));
  }

  @Override
  public CudaTensor forward() {
    CudaTensor output = recording.tensor(place.name("pooled"), spec.outputShape());
    if (isWhole(spec, session.math())) {
      recordWhole(output);
    } else {
      recordPooling(recordProduct(), output);
    }
    return output;
  }

  /** Returns whether the forward pass is one kernel, which does not store the product. */
  static boolean isWhole(ConvolutionSpec spec, MathMode math) {
    return isOfImages(spec) || isOnTensorCores(spec, math);
  }

  private static boolean isOfImages(ConvolutionSpec spec) {
    return spec.inChannels() == ImageConvolutionKernels.IN_CHANNELS;
  }

  /**
   * Whether it is one on tensor cores; three channels would waste most of what those multiply at a
   * time.
   */
  private static boolean isOnTensorCores(ConvolutionSpec spec, MathMode math) {
    return math == MathMode.TF32 && spec.inChannels() > ImageConvolutionKernels.IN_CHANNELS;
  }

  private KernelSizes images() {
    return images(spec, recording.batch());
  }

  private static KernelSizes images(ConvolutionSpec spec, int rows) {
    return KernelSizes.of("images", rows, "channels", spec.outChannels())
        .and("inputs", spec.inChannels())
        .and("height", spec.height())
        .and("width", spec.width());
  }

  private KernelSizes planes() {
    return KernelSizes.of("planes", Math.multiplyExact(recording.batch(), spec.outChannels()))
        .and("channels", spec.outChannels())
        .and("height", spec.height())
        .and("width", spec.width());
  }

  private CudaTensor product(String name) {
    return recording.tensor(place.name(name), spec.productShape());
  }

  private void recordWhole(CudaTensor output) {
    KernelSignature kernel =
        isOfImages(spec) ? ImageConvolutionKernels.POOL : ConvolutionKernels.POOL;
    recording.reads(place.branch(), place.input());
    recording.kernel(
        place.branch(),
        place.work(LayerWork.CONVOLUTION_BIAS_RELU_POOLING),
        session
            .prepare(kernel, images())
            .bind("x", place.input().span())
            .bind("weight", place.weight().span())
            .bind("bias", place.bias().span())
            .bind("pooled", output.span())
            .bind("mask", mask),
        output,
        mask);
  }

  private CudaTensor recordProduct() {
    CudaTensor product = product("product");
    new ConvolutionSteps(place, spec).forward(product);
    return product;
  }

  private void recordPooling(CudaTensor product, CudaTensor output) {
    List<KernelSignature> rungs =
        List.of(ConvolutionBlockKernels.POOL_NCHW, ConvolutionBlockKernels.POOL_NCHW_V1);
    recording.kernel(
        place.branch(),
        place.work(LayerWork.BIAS_RELU_POOLING),
        session
            .prepare(KernelCatalog.select(rungs, planes()), planes())
            .bind("x", product.span())
            .bind("bias", place.bias().span())
            .bind("pooled", output.span())
            .bind("mask", mask),
        output,
        mask);
  }

  @Override
  public CudaTensor backward(CudaTensor output, CudaTensor gradient, boolean wantInputGradient) {
    recordParameters(gradient, Branch.ofWeights(wantInputGradient));
    if (!wantInputGradient) {
      return null;
    }
    return isOnTensorCores(spec, session.math())
        ? recordInput(gradient)
        : new ConvolutionSteps(place, spec).recordInput(recordUnpooling(gradient));
  }

  private CudaTensor recordInput(CudaTensor gradient) {
    CudaTensor inputGradient = recording.tensor(place.name("input.gradient"), spec.inputShape());
    recording.reads(Branch.MAIN, gradient, mask);
    recording.kernel(
        Branch.MAIN,
        place.work(LayerWork.RELU_POOLING_BACKWARD_INPUT_GRADIENT),
        session
            .prepare(ConvolutionKernels.backwardOf(spec.inChannels()), images())
            .bind("dPooled", gradient.span())
            .bind("mask", mask)
            .bind("weight", place.weight().span())
            .bind("dx", inputGradient.span()),
        inputGradient);
    return inputGradient;
  }

  private static KernelSignature filterGradient(MathMode math) {
    return math == MathMode.TF32
        ? FilterGradientTensorCoreKernels.PARTIALS
        : FilterGradientKernels.PARTIALS;
  }

  /** How many partial sums the first stage leaves of each element, and what the elements are. */
  private static KernelSizes partialSums(ConvolutionSpec spec, MathMode math, int rows) {
    int count = FilterGradientKernels.count(filterGradient(math), images(spec, rows));
    return KernelSizes.of("count", count, "inputs", spec.inChannels())
        .and("channels", spec.outChannels());
  }

  /** Returns the bytes of the partial sums of filters and biases in a step of so many rows. */
  static long partialSumsBytes(ConvolutionSpec spec, MathMode math, int rows) {
    KernelSizes sums = partialSums(spec, math, rows);
    return sums.get("count") * FilterGradientKernels.sums(sums) * Float.BYTES;
  }

  private void recordParameters(CudaTensor gradient, Branch branch) {
    KernelSizes sums = partialSums(spec, session.math(), recording.batch());
    DeviceSpan partials =
        session.floats(
            place.name("filter partials"), sums.get("count") * FilterGradientKernels.sums(sums));
    recording.reads(branch, gradient, mask, place.input());
    recording.kernel(
        branch,
        place.work(LayerWork.WEIGHT_AND_BIAS_GRADIENT),
        session
            .prepare(filterGradient(session.math()), images())
            .bind("dPooled", gradient.span())
            .bind("mask", mask)
            .bind("x", place.input().span())
            .bind("partials", partials));
    recording.kernel(
        branch,
        place.work(LayerWork.WEIGHT_AND_BIAS_SUMS),
        session
            .prepare(FilterGradientKernels.SUM, sums)
            .bind("partials", partials)
            .bind("dWeight", place.weightGradient().span())
            .bind("dBias", place.biasGradient().span()));
  }

  /**
   * Records the gradient of the convolution's product; its partial sums of the bias are not used.
   */
  private CudaTensor recordUnpooling(CudaTensor gradient) {
    List<KernelSignature> rungs =
        List.of(
            ConvolutionBlockKernels.POOL_BACKWARD_NCHW,
            ConvolutionBlockKernels.POOL_BACKWARD_NCHW_V1);
    CudaTensor productGradient = product("product.gradient");
    recording.reads(Branch.MAIN, gradient, mask);
    recording.kernel(
        Branch.MAIN,
        place.work(LayerWork.RELU_POOLING_BACKWARD),
        session
            .prepare(KernelCatalog.select(rungs, planes()), planes())
            .bind("dPooled", gradient.span())
            .bind("mask", mask)
            .bind("dx", productGradient.span())
            .bind("partials", session.floats(place.name("bias partials"), planes().get("planes"))),
        productGradient);
    return productGradient;
  }
}
