package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.blas.LinearPlan;

/** The products of a linear layer's backward pass by cuBLAS. */
final class LinearSteps {
  private LinearSteps() {}

  /**
   * Records the gradients of weight and, if wanted, input; returns the latter.
   *
   * @param product the gradient of the layer's product
   */
  static CudaTensor backward(
      CudaPass.Place place, LinearPlan products, CudaTensor product, boolean wantInputGradient) {
    Recording recording = place.recording();
    DeviceSpan x = place.input().span();
    DeviceSpan w = place.weight().span();
    DeviceSpan dy = product.span();
    DeviceSpan dw = place.weightGradient().span();
    recording.library(
        Branch.MAIN,
        place.name("weight backward"),
        () -> products.weightGradient(x, dy, dw),
        place.weightGradient());
    if (!wantInputGradient) {
      return null;
    }
    CudaTensor gradient =
        recording.tensor(place.name("input.gradient"), place.layer().inputShape());
    DeviceSpan dx = gradient.span();
    recording.library(
        Branch.MAIN, place.name("data backward"), () -> products.dataGradient(w, dy, dx), gradient);
    return gradient;
  }
}
