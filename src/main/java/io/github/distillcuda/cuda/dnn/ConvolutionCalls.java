package io.github.distillcuda.cuda.dnn;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.LibraryObject;
import io.github.distillcuda.cuda.dnn.ConvolutionPlan.Direction;
import io.github.distillcuda.ffi.CudnnApi;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;

/**
 * cuDNN's functions on one shape of a convolution, each with the descriptors that it wants. The
 * tensors are those of {@link ConvolutionPlan}: of the direction that is computed, x, w or y is the
 * result.
 */
final class ConvolutionCalls implements AutoCloseable {
  /**
   * What a direction is computed with.
   *
   * @param algorithm in whose math type the direction is {@linkplain #setMathType set}
   * @param workspaceBytes what cuDNN asked for, and is lent: what it does with more would depend on
   *     the plans before
   */
  record Choice(ConvolutionAlgorithm algorithm, long workspaceBytes) {}

  private final ComputeLane lane;
  private final CudnnApi cudnn;
  private final Descriptors descriptors;
  private final LibraryObject xDescriptor;
  private final LibraryObject wDescriptor;
  private final LibraryObject biasDescriptor;
  private final LibraryObject yDescriptor;
  private final LibraryObject reluDescriptor;
  private final Map<Direction, LibraryObject> convolutions = new EnumMap<>(Direction.class);

  /**
   * Makes the descriptors; the caller closes them.
   *
   * @param input the shape of x
   * @param outChannels channels of y
   */
  ConvolutionCalls(ComputeLane lane, ImageShape input, int outChannels) {
    this.lane = lane;
    lane.cudnn(); // no captured call could create the handle
    cudnn = lane.engine().cudnn();
    descriptors = new Descriptors(lane, cudnn, ImageFormat.of(lane.math()));
    ImageShape output = new ImageShape(input.batch(), outChannels, input.height(), input.width());
    xDescriptor = descriptors.tensor(input);
    wDescriptor = descriptors.filter(outChannels, input.channels());
    biasDescriptor = descriptors.tensor(output.perChannel());
    yDescriptor = descriptors.tensor(output);
    reluDescriptor = descriptors.relu();
    for (Direction direction : Direction.values()) {
      convolutions.put(direction, descriptors.convolution());
    }
    Descriptors.requireOutput(
        "convolution",
        output,
        cudnn.cudnnGetConvolution2dForwardOutputDim(
            convolution(Direction.FORWARD), xDescriptor.address(), wDescriptor.address()));
  }

  private long convolution(Direction direction) {
    return convolutions.get(direction).address();
  }

  /** Sets the {@code cudnnMathType_t} of a direction. */
  void setMathType(Direction direction, int mathType) {
    cudnn.cudnnSetConvolutionMathType(convolution(direction), mathType);
  }

  /** Returns what an algorithm asks for in the math type that is set. */
  long workspaceBytes(Direction direction, int algorithm) {
    long convolution = convolution(direction);
    return switch (direction) {
      case FORWARD ->
          cudnn.cudnnGetConvolutionForwardWorkspaceSize(
              lane.cudnn(),
              xDescriptor.address(),
              wDescriptor.address(),
              convolution,
              yDescriptor.address(),
              algorithm);
      case BACKWARD_DATA ->
          cudnn.cudnnGetConvolutionBackwardDataWorkspaceSize(
              lane.cudnn(),
              wDescriptor.address(),
              yDescriptor.address(),
              convolution,
              xDescriptor.address(),
              algorithm);
      case BACKWARD_FILTER ->
          cudnn.cudnnGetConvolutionBackwardFilterWorkspaceSize(
              lane.cudnn(),
              xDescriptor.address(),
              yDescriptor.address(),
              convolution,
              wDescriptor.address(),
              algorithm);
    };
  }

  /**
   * Measures the algorithms of a direction within {@link ConvolutionPlan#MEASURED_WORKSPACE}, which
   * the lane has; overwrites the result.
   *
   * @param results room for {@code cudnnConvolution*AlgoPerf_t}, the fastest first
   * @return how many there are
   */
  int find(Direction direction, DeviceSpan x, DeviceSpan w, DeviceSpan y, MemorySegment results) {
    long convolution = convolution(direction);
    return switch (direction) {
      case FORWARD ->
          cudnn.cudnnFindConvolutionForwardAlgorithmEx(
              lane.cudnn(),
              xDescriptor.address(),
              x.address(),
              wDescriptor.address(),
              w.address(),
              convolution,
              yDescriptor.address(),
              y.address(),
              results,
              lane.workspace(),
              ConvolutionPlan.MEASURED_WORKSPACE);
      case BACKWARD_DATA ->
          cudnn.cudnnFindConvolutionBackwardDataAlgorithmEx(
              lane.cudnn(),
              wDescriptor.address(),
              w.address(),
              yDescriptor.address(),
              y.address(),
              convolution,
              xDescriptor.address(),
              x.address(),
              results,
              lane.workspace(),
              ConvolutionPlan.MEASURED_WORKSPACE);
      case BACKWARD_FILTER ->
          cudnn.cudnnFindConvolutionBackwardFilterAlgorithmEx(
              lane.cudnn(),
              xDescriptor.address(),
              x.address(),
              yDescriptor.address(),
              y.address(),
              convolution,
              wDescriptor.address(),
              w.address(),
              results,
              lane.workspace(),
              ConvolutionPlan.MEASURED_WORKSPACE);
    };
  }

  /** Computes a direction: {@code y = conv(x, w)}, or the gradient of x or of w. */
  void compute(Direction direction, Choice choice, DeviceSpan x, DeviceSpan w, DeviceSpan y) {
    long convolution = convolution(direction);
    switch (direction) {
      case FORWARD ->
          cudnn.cudnnConvolutionForward(
              lane.cudnn(),
              1,
              xDescriptor.address(),
              x.address(),
              wDescriptor.address(),
              w.address(),
              convolution,
              choice.algorithm().number(),
              lane.workspace(),
              choice.workspaceBytes(),
              0,
              yDescriptor.address(),
              y.address());
      case BACKWARD_DATA ->
          cudnn.cudnnConvolutionBackwardData(
              lane.cudnn(),
              1,
              wDescriptor.address(),
              w.address(),
              yDescriptor.address(),
              y.address(),
              convolution,
              choice.algorithm().number(),
              lane.workspace(),
              choice.workspaceBytes(),
              0,
              xDescriptor.address(),
              x.address());
      case BACKWARD_FILTER ->
          cudnn.cudnnConvolutionBackwardFilter(
              lane.cudnn(),
              1,
              xDescriptor.address(),
              x.address(),
              yDescriptor.address(),
              y.address(),
              convolution,
              choice.algorithm().number(),
              lane.workspace(),
              choice.workspaceBytes(),
              0,
              wDescriptor.address(),
              w.address());
    }
  }

  /** {@code y = max(conv(x, w) + bias, 0)}, in one call. */
  void forwardBiasRelu(Choice choice, DeviceSpan x, DeviceSpan w, DeviceSpan bias, DeviceSpan y) {
    cudnn.cudnnConvolutionBiasActivationForward(
        lane.cudnn(),
        1,
        xDescriptor.address(),
        x.address(),
        wDescriptor.address(),
        w.address(),
        convolution(Direction.FORWARD),
        choice.algorithm().number(),
        lane.workspace(),
        choice.workspaceBytes(),
        0,
        yDescriptor.address(),
        y.address(),
        biasDescriptor.address(),
        bias.address(),
        reluDescriptor.address(),
        yDescriptor.address(),
        y.address());
  }

  @Override
  public void close() {
    descriptors.close();
  }
}
