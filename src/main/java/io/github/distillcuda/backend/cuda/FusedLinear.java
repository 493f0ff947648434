package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.LinearSpec;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.blas.EpilogueLinearPlan;
import io.github.distillcuda.cuda.blas.LtProduct;
import io.github.distillcuda.cuda.dnn.BiasReluPlan;
import io.github.distillcuda.cuda.dnn.ImageFormat;
import io.github.distillcuda.cuda.dnn.ImageShape;
import io.github.distillcuda.cuda.kernels.ConvolutionBlockKernels;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import java.util.Optional;

/**
 * The products of a linear layer by cublasLt with bias, ReLU and the gradient of the bias as their
 * epilogues. Where it does not offer one, plain cuBLAS and a kernel of ours, or cuDNN to add a
 * bias, take its place. The ReLU is taken back by a kernel of ours, which leaves the gradient of
 * the bias too.
 */
final class FusedLinear implements CudaLayer {
  private final Place place;
  private final LinearSpec spec;
  private final Recording recording;
  private final LinearSteps products;
  private final KernelSizes sizes;
  private final ImageShape rows;

  FusedLinear(Place place, LinearSpec spec) {
    this.place = place;
    this.spec = spec;
    recording = place.recording();
    products = new LinearSteps(place, spec);
    sizes = KernelSizes.of("rows", recording.batch(), "channels", spec.outFeatures());
    rows = ImageShape.rows(recording.batch(), spec.outFeatures());
  }

  /** Returns the products of a branch, which are tried: nothing else is at work meanwhile. */
  private EpilogueLinearPlan epilogues(Branch branch) {
    recording.session().finishBranches();
    return recording.own(
        new EpilogueLinearPlan(
            recording.lane(branch), recording.batch(), spec.fanIn(), spec.outFeatures()));
  }

  /**
   * Records a product with its epilogue, or else what replaces it; its inputs are noted.
   *
   * @param product what checkpoints know it by
   */
  private void record(
      Branch branch,
      String product,
      LayerWork work,
      Optional<LtProduct> offered,
      CudaTensor result,
      Runnable otherwise) {
    String algorithm = offered.map(call -> "cublasLt " + call).orElse("cuBLAS");
    recording
        .session()
        .algorithms()
        .chose(place.algorithmName(spec.fanIn(), spec.outFeatures(), product), algorithm);
    offered.ifPresentOrElse(
        call -> recording.library(branch, place.work(work), call::enqueue, result), otherwise);
  }

  @Override
  public CudaTensor forward() {
    CudaTensor output = recording.tensor(place.name("output"), spec.outputShape());
    recording.reads(place.branch(), place.input());
    record(
        place.branch(),
        "product",
        spec.relu() ? LayerWork.PRODUCT_BIAS_RELU : LayerWork.PRODUCT_BIAS,
        epilogues(place.branch())
            .forward(
                place.input().span(),
                place.weight().span(),
                place.bias().span(),
                output.span(),
                spec.relu()),
        output,
        () -> recordPlainForward(output));
    return output;
  }

  private void recordPlainForward(CudaTensor output) {
    DeviceSpan b = place.bias().span();
    DeviceSpan y = output.span();
    products.forward(output);
    if (spec.relu()) {
      recording.kernel(
          place.branch(),
          place.work(LayerWork.BIAS_RELU),
          recording
              .session()
              .prepare(ConvolutionBlockKernels.BIAS_RELU, sizes)
              .bind("x", y)
              .bind("bias", b)
              .bind("y", y),
          output);
    } else {
      BiasReluPlan bias =
          recording.own(
              new BiasReluPlan(recording.lane(place.branch()), rows, ImageFormat.NCHW_FLOAT32));
      recording.library(
          place.branch(), place.work(LayerWork.BIAS), () -> bias.addBias(b, y), output);
    }
  }

  @Override
  public CudaTensor backward(CudaTensor output, CudaTensor gradient, boolean wantInputGradient) {
    CudaTensor productGradient = spec.relu() ? recordRelu(output, gradient) : gradient;
    recordWeight(productGradient);
    return wantInputGradient ? recordInput(productGradient) : null;
  }

  private CudaTensor recordRelu(CudaTensor output, CudaTensor gradient) {
    CudaTensor productGradient =
        recording.tensor(place.name("product.gradient"), spec.outputShape());
    int chunks = Math.ceilDiv(recording.batch(), ConvolutionBlockKernels.CHUNK);
    BiasGradient bias = new BiasGradient(recording, place, chunks, spec.outFeatures());
    recording.reads(Branch.MAIN, gradient, output);
    recording.kernel(
        Branch.MAIN,
        place.work(LayerWork.BIAS_RELU_BACKWARD),
        recording
            .session()
            .prepare(ConvolutionBlockKernels.BIAS_RELU_BACKWARD, sizes)
            .bind("dy", gradient.span())
            .bind("y", output.span())
            .bind("dx", productGradient.span())
            .bind("partials", bias.partials()),
        productGradient,
        bias.partials());
    bias.record();
    return productGradient;
  }

  /** Records the gradient of the weight, and that of the bias unless the ReLU's kernel has it. */
  private void recordWeight(CudaTensor productGradient) {
    DeviceSpan x = place.input().span();
    DeviceSpan dy = productGradient.span();
    DeviceSpan dw = place.weightGradient().span();
    DeviceSpan db = place.biasGradient().span();
    recording.reads(Branch.SIDE, place.input(), productGradient);
    record(
        Branch.SIDE,
        "weight gradient",
        spec.relu() ? LayerWork.WEIGHT_GRADIENT : LayerWork.WEIGHT_AND_BIAS_GRADIENT,
        epilogues(Branch.SIDE).weightGradient(x, dy, dw, spec.relu() ? null : db),
        place.weightGradient(),
        () -> recordPlainWeight(productGradient));
  }

  private void recordPlainWeight(CudaTensor productGradient) {
    products.weightGradient(productGradient);
    if (!spec.relu()) {
      LibraryBiasGradient.record(place, rows, productGradient);
    }
  }

  private CudaTensor recordInput(CudaTensor productGradient) {
    CudaTensor gradient =
        recording.tensor(place.name("input.gradient"), place.layer().inputShape());
    DeviceSpan w = place.weight().span();
    DeviceSpan dy = productGradient.span();
    DeviceSpan dx = gradient.span();
    recording.reads(Branch.MAIN, productGradient);
    record(
        Branch.MAIN,
        "data gradient",
        LayerWork.INPUT_GRADIENT,
        epilogues(Branch.MAIN).inputGradient(w, dy, dx),
        gradient,
        () -> products.inputGradient(productGradient, gradient));
    return gradient;
  }
}
