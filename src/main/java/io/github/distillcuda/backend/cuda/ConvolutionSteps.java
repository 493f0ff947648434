package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.dnn.ConvolutionAlgorithm;
import io.github.distillcuda.cuda.dnn.ConvolutionPlan;
import io.github.distillcuda.cuda.dnn.ConvolutionPlan.Direction;
import io.github.distillcuda.cuda.dnn.ImageShape;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.RoundingKernels;
import io.github.distillcuda.tensor.DType;

/** The three products of a convolution by cuDNN, which both kinds of layers share. */
final class ConvolutionSteps {
  private final CudaLayer.Place place;
  private final Recording recording;
  private final ConvolutionSpec spec;

  /** Plans a convolution. */
  ConvolutionSteps(CudaLayer.Place place, ConvolutionSpec spec) {
    this.place = place;
    this.spec = spec;
    recording = place.recording();
  }

  /**
   * Plans a direction with the algorithm that is known for it; if there is none, or cuDNN refuses
   * it, by measuring or by rule. Algorithms are tried: nothing else is at work meanwhile.
   *
   * @param x the input, or its gradient; what the direction computes may be overwritten
   * @param w the filters, or their gradient
   * @param y the output, or its gradient
   */
  private ConvolutionPlan plan(
      Branch branch, Direction direction, DeviceSpan x, DeviceSpan w, DeviceSpan y) {
    CudaSession session = recording.session();
    ConvolutionPlan plan =
        recording.own(
            new ConvolutionPlan(
                recording.lane(branch),
                new ImageShape(recording.batch(), spec.inChannels(), spec.height(), spec.width()),
                spec.outChannels()));
    session.finishBranches();
    String what = what(direction);
    boolean known =
        session
            .algorithms()
            .known(what)
            .flatMap(ConvolutionAlgorithm::parse)
            .map(algorithm -> plan.take(direction, algorithm, x, w, y))
            .orElse(false);
    if (!known && session.measures()) {
      plan.measure(direction, x, w, y);
    } else if (!known) {
      plan.takeByRule(direction, x, w, y);
    }
    session.algorithms().chose(what, plan.algorithm(direction).toString());
    return plan;
  }

  /** What checkpoints know a direction by. */
  private String what(Direction direction) {
    return place.algorithmName(
        spec.inChannels(),
        spec.outChannels(),
        switch (direction) {
          case FORWARD -> "convolution";
          case BACKWARD_DATA -> "data gradient";
          case BACKWARD_FILTER -> "filter gradient";
        });
  }

  /** Records the product alone. */
  void forward(CudaTensor product) {
    DeviceSpan x = place.input().span();
    DeviceSpan w = place.weightOperand();
    DeviceSpan y = product.span();
    ConvolutionPlan plan = plan(place.branch(), Direction.FORWARD, x, w, y);
    recording.reads(place.branch(), place.input());
    recording.library(
        place.branch(), place.work(LayerWork.CONVOLUTION), () -> plan.forward(x, w, y), product);
  }

  /** Records product, bias and ReLU as one, if cuDNN has that; returns whether. */
  boolean forwardBiasRelu(CudaTensor activated) {
    DeviceSpan x = place.input().span();
    DeviceSpan w = place.weightOperand();
    DeviceSpan b = place.biasOperand();
    DeviceSpan y = activated.span();
    ConvolutionPlan plan = plan(place.branch(), Direction.FORWARD, x, w, y);
    if (!plan.offersForwardBiasRelu(x, w, b, y)) {
      return false;
    }
    recording.reads(place.branch(), place.input());
    recording.library(
        place.branch(),
        place.work(LayerWork.CONVOLUTION_BIAS_RELU),
        () -> plan.forwardBiasRelu(x, w, b, y),
        activated);
    return true;
  }

  /** Records the gradients of weight and, if wanted, input; returns the latter. */
  CudaTensor backward(CudaTensor productGradient, boolean wantInputGradient) {
    recordWeight(productGradient, Branch.ofWeights(wantInputGradient));
    return wantInputGradient ? recordInput(productGradient) : null;
  }

  private void recordWeight(CudaTensor productGradient, Branch branch) {
    DeviceSpan x = place.input().span();
    DeviceSpan dy = productGradient.span();
    boolean widened = recording.session().operands() == DType.BFLOAT16;
    int elements = place.weightGradient().shape().elements();
    DeviceSpan dw =
        widened
            ? recording.session().elements(place.name("filter"), elements, DType.BFLOAT16)
            : place.weightGradient().span();
    ConvolutionPlan plan = plan(branch, Direction.BACKWARD_FILTER, x, dw, dy);
    recording.reads(branch, place.input(), productGradient);
    recording.library(
        branch,
        place.work(LayerWork.WEIGHT_GRADIENT),
        () -> plan.weightGradient(x, dy, dw),
        place.weightGradient());
    if (widened) {
      recording.kernel(
          branch,
          place.work(LayerWork.WEIGHT_GRADIENT_WIDENED),
          recording
              .session()
              .prepare(RoundingKernels.WIDEN, KernelSizes.of("n", RoundingKernels.padded(elements)))
              .bind("x", dw)
              .bind("y", place.weightGradient().span()),
          place.weightGradient());
    }
  }

  /** Records the gradient of the input and returns it. */
  CudaTensor recordInput(CudaTensor productGradient) {
    CudaTensor gradient =
        recording.operandTensor(place.name("input.gradient"), place.layer().inputShape());
    DeviceSpan w = place.weightOperand();
    DeviceSpan dy = productGradient.span();
    DeviceSpan dx = gradient.span();
    ConvolutionPlan plan = plan(Branch.MAIN, Direction.BACKWARD_DATA, dx, w, dy);
    recording.reads(Branch.MAIN, productGradient);
    recording.library(
        Branch.MAIN,
        place.work(LayerWork.INPUT_GRADIENT),
        () -> plan.inputGradient(w, dy, dx),
        gradient);
    return gradient;
  }
}
