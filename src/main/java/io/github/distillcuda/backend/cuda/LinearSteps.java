package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.blas.LinearPlan;

/** The three products of a linear layer by cuBLAS, which both kinds of layers share. */
final class LinearSteps {
  private final CudaLayer.Place place;
  private final Recording recording;
  private final LinearSpec spec;

  /** Plans nothing yet. */
  LinearSteps(CudaLayer.Place place, LinearSpec spec) {
    this.place = place;
    this.spec = spec;
    recording = place.recording();
  }

  private LinearPlan plan(Branch branch) {
    return new LinearPlan(
        recording.lane(branch), recording.batch(), spec.fanIn(), spec.outFeatures());
  }

  /**
   * Records the product alone.
   *
   * @param product receives it as float32, [N, out]
   */
  void forward(CudaTensor product) {
    LinearPlan plan = plan(place.branch());
    DeviceSpan x = place.input().span();
    DeviceSpan w = place.weightOperand();
    DeviceSpan y = product.span();
    recording.reads(place.branch(), place.input());
    recording.library(
        place.branch(), place.work(LayerWork.PRODUCT), () -> plan.forward(x, w, y), product);
  }

  /**
   * Records the gradient of the weight.
   *
   * @param productGradient an operand [N, out]
   */
  void weightGradient(CudaTensor productGradient) {
    LinearPlan plan = plan(Branch.SIDE);
    DeviceSpan x = place.input().span();
    DeviceSpan dy = productGradient.span();
    DeviceSpan dw = place.weightGradient().span();
    recording.reads(Branch.SIDE, place.input(), productGradient);
    recording.library(
        Branch.SIDE,
        place.work(LayerWork.WEIGHT_GRADIENT),
        () -> plan.weightGradient(x, dy, dw),
        place.weightGradient());
  }

  /**
   * Records the gradient of the input.
   *
   * @param productGradient an operand [N, out]
   * @param gradient receives it, an operand [N, ...inputShape]
   */
  void inputGradient(CudaTensor productGradient, CudaTensor gradient) {
    LinearPlan plan = plan(Branch.MAIN);
    DeviceSpan w = place.weightOperand();
    DeviceSpan dy = productGradient.span();
    DeviceSpan dx = gradient.span();
    recording.reads(Branch.MAIN, productGradient);
    recording.library(
        Branch.MAIN,
        place.work(LayerWork.INPUT_GRADIENT),
        () -> plan.inputGradient(w, dy, dx),
        gradient);
  }
}
