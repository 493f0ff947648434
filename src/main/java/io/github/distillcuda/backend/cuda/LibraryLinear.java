package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.blas.LinearPlan;
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
  private final ImageShape rows;

  LibraryLinear(Place place, LinearSpec spec) {
    this.place = place;
    this.spec = spec;
    recording = place.recording();
    rows = ImageShape.rows(recording.batch(), spec.outFeatures());
  }

  private LinearPlan products(Branch branch) {
    return new LinearPlan(
        recording.lane(branch), recording.batch(), spec.fanIn(), spec.outFeatures());
  }

  private BiasReluPlan biasRelu(Branch branch, ImageFormat format) {
    return recording.session().scope().own(new BiasReluPlan(recording.lane(branch), rows, format));
  }

  @Override
  public CudaTensor forward() {
    CudaTensor sums = recording.tensor(place.name("output"), spec.outputShape());
    LinearPlan products = products(place.branch());
    BiasReluPlan biasRelu = biasRelu(place.branch(), ImageFormat.NCHW_FLOAT32);
    DeviceSpan x = place.input().span();
    DeviceSpan w = place.weightOperand();
    DeviceSpan b = place.bias().span();
    DeviceSpan y = sums.span();
    recording.reads(place.branch(), place.input());
    recording.library(place.branch(), place.name("product"), () -> products.forward(x, w, y), sums);
    recording.library(place.branch(), place.name("bias"), () -> biasRelu.addBias(b, y), sums);
    if (spec.relu()) {
      recording.library(place.branch(), place.name("ReLU"), () -> biasRelu.relu(y), sums);
      return recording.operand(place.branch(), sums, spec.outputShape());
    }
    return sums;
  }

  @Override
  public CudaTensor backward(CudaTensor output, CudaTensor gradient, boolean wantInputGradient) {
    CudaTensor product = spec.relu() ? recordRelu(output, gradient) : gradient;
    LibraryBiasGradient.record(place, rows, product);
    return LinearSteps.backward(place, this::products, product, wantInputGradient);
  }

  private CudaTensor recordRelu(CudaTensor output, CudaTensor gradient) {
    BiasReluPlan biasRelu =
        biasRelu(Branch.MAIN, ImageFormat.of(recording.lane(Branch.MAIN).math()));
    recording.reads(Branch.MAIN, gradient, output);
    CudaTensor product =
        recording.operandTensor(place.name("product.gradient"), spec.outputShape());
    DeviceSpan y = output.span();
    DeviceSpan dy = gradient.span();
    DeviceSpan dx = product.span();
    recording.library(
        Branch.MAIN, place.name("ReLU backward"), () -> biasRelu.reluGradient(y, dy, dx), product);
    return product;
  }
}
