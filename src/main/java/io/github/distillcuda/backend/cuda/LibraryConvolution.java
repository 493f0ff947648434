package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.dnn.BiasReluPlan;
import io.github.distillcuda.cuda.dnn.ImageFormat;
import io.github.distillcuda.cuda.dnn.ImageShape;
import io.github.distillcuda.cuda.dnn.PoolingPlan;

/**
 * Convolution, bias, ReLU and pooling by cuDNN: convolution with bias and ReLU in one call where it
 * has that, else three.
 *
 * <p>The ReLU is taken back on the pooled tensor, a quarter of the elements: where the largest of
 * four is zero its gradient vanishes either way.
 */
final class LibraryConvolution implements CudaLayer {
  private final Place place;
  private final Recording recording;
  private final ConvolutionSteps convolution;
  private final PoolingPlan pooling;
  private final ImageShape shape;
  private final ImageFormat format;
  private final CudaTensor activated;

  LibraryConvolution(Place place, ConvolutionSpec spec) {
    this.place = place;
    recording = place.recording();
    convolution = new ConvolutionSteps(place, spec);
    ComputeLane lane = recording.lane(place.branch());
    format = ImageFormat.of(lane.math());
    shape = new ImageShape(recording.batch(), spec.outChannels(), spec.height(), spec.width());
    pooling = recording.own(new PoolingPlan(lane, shape, format));
    activated = recording.operandTensor(place.name("activated"), spec.productShape());
  }

  @Override
  public CudaTensor forward() {
    DeviceSpan product = activated.span();
    DeviceSpan bias = place.biasOperand();
    if (!convolution.forwardBiasRelu(activated)) {
      BiasReluPlan biasRelu =
          recording.own(new BiasReluPlan(recording.lane(place.branch()), shape, format));
      convolution.forward(activated);
      recording.library(
          place.branch(),
          place.work(LayerWork.BIAS),
          () -> biasRelu.addBias(bias, product),
          activated);
      recording.library(
          place.branch(), place.work(LayerWork.RELU), () -> biasRelu.relu(product), activated);
    }
    CudaTensor output = recording.operandTensor(place.name("pooled"), place.layer().outputShape());
    DeviceSpan pooled = output.span();
    recording.library(
        place.branch(),
        place.work(LayerWork.POOLING),
        () -> pooling.forward(product, pooled),
        output);
    return output;
  }

  @Override
  public CudaTensor backward(CudaTensor output, CudaTensor gradient, boolean wantInputGradient) {
    ComputeLane lane = recording.lane(Branch.MAIN);
    BiasReluPlan pooledRelu = recording.own(new BiasReluPlan(lane, shape.halved(), format));
    CudaTensor alive =
        recording.operandTensor(place.name("pooled.gradient"), place.layer().outputShape());
    CudaTensor productGradient =
        recording.operandTensor(place.name("product.gradient"), place.layer().productShape());
    DeviceSpan pooled = output.span();
    DeviceSpan dy = gradient.span();
    DeviceSpan masked = alive.span();
    DeviceSpan x = activated.span();
    DeviceSpan dx = productGradient.span();
    recording.reads(Branch.MAIN, gradient, output, activated);
    recording.library(
        Branch.MAIN,
        place.work(LayerWork.RELU_BACKWARD),
        () -> pooledRelu.reluGradient(pooled, dy, masked),
        alive);
    recording.library(
        Branch.MAIN,
        place.work(LayerWork.POOLING_BACKWARD),
        () -> pooling.backward(pooled, masked, x, dx),
        productGradient);
    LibraryBiasGradient.record(place, shape, productGradient);
    return convolution.backward(productGradient, wantInputGradient);
  }
}
