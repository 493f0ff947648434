package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.blas.LinearPlan;
import java.util.function.Function;

/** The products of a linear layer's backward pass by cuBLAS. */
final class LinearSteps {
  private LinearSteps() {}

  /**
   * Records the gradients of weight and, if wanted, input; returns the latter.
   *
   * @param products the plan of a branch
   * @param product the gradient of the layer's product
   */
  static CudaTensor backward(
      CudaLayer.Place place,
      Function<Branch, LinearPlan> products,
      CudaTensor product,
      boolean wantInputGradient) {
    Recording recording = place.recording();
    LinearPlan side = products.apply(Branch.SIDE);
    DeviceSpan x = place.input().span();
    DeviceSpan w = place.weightOperand();
    DeviceSpan dy = product.span();
    DeviceSpan dw = place.weightGradient().span();
    recording.reads(Branch.SIDE, place.input(), product);
    recording.library(
        Branch.SIDE,
        place.name("weight gradient"),
        () -> side.weightGradient(x, dy, dw),
        place.weightGradient());
    if (!wantInputGradient) {
      return null;
    }
    CudaTensor gradient =
        recording.operandTensor(place.name("input.gradient"), place.layer().inputShape());
    DeviceSpan dx = gradient.span();
    LinearPlan main = products.apply(Branch.MAIN);
    recording.reads(Branch.MAIN, product);
    recording.library(
        Branch.MAIN, place.name("data gradient"), () -> main.dataGradient(w, dy, dx), gradient);
    return gradient;
  }
}
