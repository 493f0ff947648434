package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.dnn.ConvolutionPlan;
import io.github.distillcuda.cuda.dnn.ImageShape;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.RoundingKernels;
import io.github.distillcuda.tensor.DType;

/** The three products of a convolution by cuDNN, which both kinds of layers share. */
final class ConvolutionSteps {
  private final CudaPass.Place place;
  private final Recording recording;
  private final ConvolutionSpec spec;
  private final boolean measured;

  /** Plans a convolution. */
  ConvolutionSteps(CudaPass.Place place, ConvolutionSpec spec) {
    this.place = place;
    this.spec = spec;
    recording = place.recording();
    measured = !recording.session().options().deterministic();
  }

  private ConvolutionPlan plan(Branch branch) {
    return recording
        .session()
        .scope()
        .own(
            new ConvolutionPlan(
                recording.lane(branch),
                new ImageShape(recording.batch(), spec.inChannels(), spec.height(), spec.width()),
                spec.outChannels()));
  }

  /** Networks have layers of one name and different widths. */
  private void chose(String direction, String algorithm) {
    String what =
        "%s %d -> %d, %s".formatted(spec.name(), spec.inChannels(), spec.outChannels(), direction);
    recording.session().chose(what, recording.batch(), algorithm);
  }

  /** Records the product alone. */
  void forward(CudaTensor product) {
    DeviceSpan x = place.input().span();
    DeviceSpan w = place.weightOperand();
    DeviceSpan y = product.span();
    ConvolutionPlan plan = prepareForward(x, w, y);
    recording.reads(place.branch(), place.input());
    recording.library(
        place.branch(), place.name("convolution"), () -> plan.forward(x, w, y), product);
  }

  /** Records product, bias and ReLU as one, if cuDNN has that; returns whether. */
  boolean forwardBiasRelu(CudaTensor activated) {
    DeviceSpan x = place.input().span();
    DeviceSpan w = place.weightOperand();
    DeviceSpan b = place.biasOperand();
    DeviceSpan y = activated.span();
    ConvolutionPlan plan = prepareForward(x, w, y);
    recording.session().finish();
    if (!plan.offersForwardBiasRelu(x, w, b, y)) {
      return false;
    }
    recording.reads(place.branch(), place.input());
    recording.library(
        place.branch(),
        place.name("convolution, bias, ReLU"),
        () -> plan.forwardBiasRelu(x, w, b, y),
        activated);
    return true;
  }

  private ConvolutionPlan prepareForward(DeviceSpan x, DeviceSpan w, DeviceSpan y) {
    ConvolutionPlan plan = plan(place.branch());
    if (measured) {
      plan.measureForward(x, w, y);
    }
    plan.prepareForward();
    chose("convolution", plan.forwardAlgorithm());
    return plan;
  }

  /** Records the gradients of filter and, if wanted, input; returns the latter. */
  CudaTensor backward(CudaTensor product, boolean wantInputGradient) {
    recordFilter(product);
    return wantInputGradient ? recordInput(product) : null;
  }

  private void recordFilter(CudaTensor product) {
    DeviceSpan x = place.input().span();
    DeviceSpan dy = product.span();
    boolean widened = recording.session().operands() == DType.BFLOAT16;
    int elements = place.weightGradient().shape().elements();
    DeviceSpan dw =
        widened
            ? recording.session().elements(place.name("filter"), elements, DType.BFLOAT16)
            : place.weightGradient().span();
    ConvolutionPlan plan = plan(Branch.SIDE);
    if (measured) {
      plan.measureFilter(x, dy, dw);
    }
    plan.prepareFilter();
    chose("filter gradient", plan.filterAlgorithm());
    recording.reads(Branch.SIDE, place.input(), product);
    recording.library(
        Branch.SIDE,
        place.name("filter gradient"),
        () -> plan.filterGradient(x, dy, dw),
        place.weightGradient());
    if (widened) {
      recording.kernel(
          Branch.SIDE,
          place.name("filter gradient widened"),
          recording
              .session()
              .prepare(RoundingKernels.WIDEN, KernelSizes.of("n", RoundingKernels.padded(elements)))
              .bind("x", dw)
              .bind("y", place.weightGradient().span()),
          place.weightGradient());
    }
  }

  /** Records the gradient of the input and returns it. */
  CudaTensor recordInput(CudaTensor product) {
    CudaTensor gradient =
        recording.operandTensor(place.name("input.gradient"), place.layer().inputShape());
    DeviceSpan w = place.weightOperand();
    DeviceSpan dy = product.span();
    DeviceSpan dx = gradient.span();
    ConvolutionPlan plan = plan(Branch.MAIN);
    if (measured) {
      plan.measureData(w, dy, dx);
    }
    plan.prepareData();
    chose("data gradient", plan.dataAlgorithm());
    recording.reads(Branch.MAIN, product);
    recording.library(
        Branch.MAIN, place.name("data gradient"), () -> plan.dataGradient(w, dy, dx), gradient);
    return gradient;
  }
}
