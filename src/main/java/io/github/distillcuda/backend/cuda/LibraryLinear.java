package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.dnn.BiasReluPlan;
import io.github.distillcuda.cuda.dnn.ImageFormat;
import io.github.distillcuda.cuda.dnn.ImageShape;

/**
 * The products of a linear layer by cuBLAS, bias and ReLU by cuDNN, each on its own. Forward all
 * three are float32; what the next layer reads after a ReLU is rounded from that.
 */
final class LibraryLinear implements CudaLayer {
  private final Place place;
  private final LinearSpec spec;
  private final Recording recording;
  private final LinearSteps products;
  private final ImageShape rows;

  LibraryLinear(Place place, LinearSpec spec) {
    this.place = place;
    this.spec = spec;
    recording = place.recording();
    products = new LinearSteps(place, spec);
    rows = ImageShape.rows(recording.batch(), spec.outFeatures());
  }

  private BiasReluPlan biasRelu(Branch branch, ImageFormat format) {
    return recording.own(new BiasReluPlan(recording.lane(branch), rows, format));
  }

  @Override
  public CudaTensor forward() {
    CudaTensor sums = recording.tensor(place.name("output"), spec.outputShape());
    BiasReluPlan biasRelu = biasRelu(place.branch(), ImageFormat.NCHW_FLOAT32);
    DeviceSpan b = place.bias().span();
    DeviceSpan y = sums.span();
    products.forward(sums);
    recording.library(
        place.branch(), place.work(LayerWork.BIAS), () -> biasRelu.addBias(b, y), sums);
    if (spec.relu()) {
      recording.library(place.branch(), place.work(LayerWork.RELU), () -> biasRelu.relu(y), sums);
      return recording.operand(
          place.branch(), place.work(LayerWork.OUTPUT_ROUNDED), sums, spec.outputShape());
    }
    return sums;
  }

  @Override
  public CudaTensor backward(CudaTensor output, CudaTensor gradient, boolean wantInputGradient) {
    CudaTensor productGradient = spec.relu() ? recordRelu(output, gradient) : gradient;
    LibraryBiasGradient.record(place, rows, productGradient);
    products.weightGradient(productGradient);
    if (!wantInputGradient) {
      return null;
    }
    CudaTensor inputGradient =
        recording.operandTensor(place.name("input.gradient"), spec.inputShape());
    products.inputGradient(productGradient, inputGradient);
    return inputGradient;
  }

  private CudaTensor recordRelu(CudaTensor output, CudaTensor gradient) {
    BiasReluPlan biasRelu =
        biasRelu(Branch.MAIN, ImageFormat.of(recording.lane(Branch.MAIN).math()));
    recording.reads(Branch.MAIN, gradient, output);
    CudaTensor productGradient =
        recording.operandTensor(place.name("product.gradient"), spec.outputShape());
    DeviceSpan y = output.span();
    DeviceSpan dy = gradient.span();
    DeviceSpan dx = productGradient.span();
    recording.library(
        Branch.MAIN,
        place.work(LayerWork.RELU_BACKWARD),
        () -> biasRelu.reluGradient(y, dy, dx),
        productGradient);
    return productGradient;
  }
}
