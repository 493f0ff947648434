package io.github.distillcuda.cuda.dnn;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.LibraryObject;
import io.github.distillcuda.cuda.MathMode;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import io.github.distillcuda.ffi.CudnnApi;
import io.github.distillcuda.ffi.CudnnConstants;
import io.github.distillcuda.ffi.CudnnPerformance;
import io.github.distillcuda.ffi.NativeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * A 3x3 convolution of stride 1 and padding 1 for one batch size, forward and backward, on one
 * lane.
 *
 * <p>Algorithms are chosen by rule among those that always give the same bits: implicit precomputed
 * GEMM forward, algorithm 1 for the gradients. Where TF32 may round, Winograd's transforms in
 * float32 err less than that and take the gradient of the filters as long as they fit the workspace
 * that a lane has anyway: of small batches algorithm 1 sums on few multiprocessors, of large ones
 * Winograd is the slower (native-notes/cudnn.md). What is measured instead may differ from run to
 * run, so a run that goes on takes what it had.
 *
 * <p>x of [N, in, H, W], w of [out, in, 3, 3], bias [out], y of [N, out, H, W], in the format of
 * the lane's arithmetic; gradients likewise, that of w too. All calls are asynchronous and allocate
 * nothing.
 */
public final class ConvolutionPlan implements AutoCloseable {
  /** cuDNN has at most 8 algorithms a direction, each with and without tensor cores. */
  private static final int MOST_RESULTS = 16;

  /** What a measured algorithm may ask for, and measuring reserves. */
  public static final long MEASURED_WORKSPACE = 256L << 20;

  /** Of the status codes of cuDNN 9, those from 3000 on say that it lacks something. */
  private static final int NOT_SUPPORTED_THOUSANDS =
      CudnnConstants.CUDNN_STATUS_NOT_SUPPORTED / 1000;

  /** What a convolution computes. */
  public enum Direction {
    FORWARD,
    BACKWARD_DATA,
    BACKWARD_FILTER
  }

  /** What a direction is computed with. */
  private static final class Choice {
    private final LibraryObject convolution;
    private ConvolutionAlgorithm algorithm;

    /**
     * What cuDNN asked for, and is lent: what it does with more would depend on the plans before.
     */
    private long workspaceBytes;

    Choice(LibraryObject convolution) {
      this.convolution = convolution;
    }
  }

  private final ComputeLane lane;
  private final CudnnApi cudnn;
  private final Descriptors descriptors;
  private final LibraryObject xDescriptor;
  private final LibraryObject wDescriptor;
  private final LibraryObject biasDescriptor;
  private final LibraryObject yDescriptor;
  private final LibraryObject reluDescriptor;
  private final Map<Direction, Choice> choices = new EnumMap<>(Direction.class);

  /**
   * Makes the descriptors; the caller closes the plan. A direction has no algorithm until one of
   * {@link #take}, {@link #takeByRule} and {@link #measure} chose it.
   *
   * @param input the shape of x
   * @param outChannels channels of y
   */
  public ConvolutionPlan(ComputeLane lane, ImageShape input, int outChannels) {
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
      choices.put(direction, new Choice(descriptors.convolution()));
    }
  }

  /** Returns what a direction is computed with; null until that was chosen. */
  public ConvolutionAlgorithm algorithm(Direction direction) {
    return choices.get(direction).algorithm;
  }

  /**
   * Chooses an algorithm and reserves its workspace, unless it rounds more than the lane's
   * arithmetic may or cuDNN does not have it for this shape.
   *
   * @return whether it was chosen
   */
  public boolean take(Direction direction, ConvolutionAlgorithm algorithm) {
    return lane.math().accepts(algorithm.mathType())
        && isOffered(() -> choose(direction, algorithm, Long.MAX_VALUE));
  }

  /** Returns what a call does; false if cuDNN does not have it for this shape and arithmetic. */
  private static boolean isOffered(BooleanSupplier call) {
    try {
      return call.getAsBoolean();
    } catch (NativeException e) {
      if (e.code() / 1000 == NOT_SUPPORTED_THOUSANDS) {
        return false;
      }
      throw e;
    }
  }

  /** Chooses by rule and reserves the workspace. */
  public void takeByRule(Direction direction) {
    boolean winograd =
        direction == Direction.BACKWARD_FILTER
            && lane.math() == MathMode.TF32
            && isOffered(
                () ->
                    choose(
                        direction,
                        byRule(CudnnConstants.CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED),
                        ComputeLane.WORKSPACE_BYTES));
    if (!winograd) {
      choose(
          direction,
          byRule(
              switch (direction) {
                case FORWARD -> CudnnConstants.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
                case BACKWARD_DATA -> CudnnConstants.CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
                case BACKWARD_FILTER -> CudnnConstants.CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
              }),
          Long.MAX_VALUE);
    }
  }

  private ConvolutionAlgorithm byRule(int number) {
    return new ConvolutionAlgorithm(number, lane.math().convolution(), false);
  }

  /** Chooses an algorithm, unless it wants more workspace than this; returns whether. */
  private boolean choose(
      Direction direction, ConvolutionAlgorithm algorithm, long mostWorkspaceBytes) {
    Choice choice = choices.get(direction);
    cudnn.cudnnSetConvolutionMathType(choice.convolution.address(), algorithm.mathType());
    long needed = workspace(direction, choice.convolution, algorithm.number());
    if (needed > mostWorkspaceBytes) {
      return false;
    }
    lane.reserve(needed);
    choice.algorithm = algorithm;
    choice.workspaceBytes = needed;
    return true;
  }

  private long workspace(Direction direction, LibraryObject convolution, int algorithm) {
    return switch (direction) {
      case FORWARD ->
          cudnn.cudnnGetConvolutionForwardWorkspaceSize(
              lane.cudnn(),
              xDescriptor.address(),
              wDescriptor.address(),
              convolution.address(),
              yDescriptor.address(),
              algorithm);
      case BACKWARD_DATA ->
          cudnn.cudnnGetConvolutionBackwardDataWorkspaceSize(
              lane.cudnn(),
              wDescriptor.address(),
              yDescriptor.address(),
              convolution.address(),
              xDescriptor.address(),
              algorithm);
      case BACKWARD_FILTER ->
          cudnn.cudnnGetConvolutionBackwardFilterWorkspaceSize(
              lane.cudnn(),
              xDescriptor.address(),
              yDescriptor.address(),
              convolution.address(),
              wDescriptor.address(),
              algorithm);
    };
  }

  /**
   * Measures the algorithms of a direction on the device and chooses the fastest within the lane's
   * arithmetic, by rule if there is none or no room to measure in. Overwrites the result.
   *
   * @param x the input, or its gradient
   * @param w the filters, or their gradient
   * @param y the output, or its gradient
   */
  public void measure(Direction direction, DeviceSpan x, DeviceSpan w, DeviceSpan y) {
    if (!hasRoomToMeasure()) {
      takeByRule(direction);
      return;
    }
    long convolution = choices.get(direction).convolution.address();
    cudnn.cudnnSetConvolutionMathType(convolution, lane.math().convolution());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment results = arena.allocate(MOST_RESULTS * CudnnPerformance.BYTES, 8);
      int found = find(direction, convolution, x, w, y, results);
      boolean chosen =
          CudnnPerformance.read(results, found).stream() // the fastest first
              .filter(one -> one.status() == 0)
              .map(one -> new ConvolutionAlgorithm(one.algorithm(), one.mathType(), true))
              .anyMatch(algorithm -> take(direction, algorithm));
      if (!chosen) {
        takeByRule(direction);
      }
    }
  }

  /** Reserves what measuring takes, if the GPU has it: the rule's algorithms do with less. */
  private boolean hasRoomToMeasure() {
    try {
      lane.reserve(MEASURED_WORKSPACE);
      return true;
    } catch (DistillException e) {
      if (e.exitCode() == ExitCode.DEVICE_MEMORY) {
        return false;
      }
      throw e;
    }
  }

  private int find(
      Direction direction,
      long convolution,
      DeviceSpan x,
      DeviceSpan w,
      DeviceSpan y,
      MemorySegment results) {
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
              MEASURED_WORKSPACE);
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
              MEASURED_WORKSPACE);
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
              MEASURED_WORKSPACE);
    };
  }

  /** {@code y = conv(x, w)}. */
  public void forward(DeviceSpan x, DeviceSpan w, DeviceSpan y) {
    Choice choice = choices.get(Direction.FORWARD);
    cudnn.cudnnConvolutionForward(
        lane.cudnn(),
        1,
        xDescriptor.address(),
        x.address(),
        wDescriptor.address(),
        w.address(),
        choice.convolution.address(),
        choice.algorithm.number(),
        lane.workspace(),
        choice.workspaceBytes,
        0,
        yDescriptor.address(),
        y.address());
  }

  /** {@code y = max(conv(x, w) + bias, 0)}, in one call. */
  public void forwardBiasRelu(DeviceSpan x, DeviceSpan w, DeviceSpan bias, DeviceSpan y) {
    Choice choice = choices.get(Direction.FORWARD);
    cudnn.cudnnConvolutionBiasActivationForward(
        lane.cudnn(),
        1,
        xDescriptor.address(),
        x.address(),
        wDescriptor.address(),
        w.address(),
        choice.convolution.address(),
        choice.algorithm.number(),
        lane.workspace(),
        choice.workspaceBytes,
        0,
        yDescriptor.address(),
        y.address(),
        biasDescriptor.address(),
        bias.address(),
        reluDescriptor.address(),
        yDescriptor.address(),
        y.address());
  }

  /**
   * Returns whether cuDNN has {@link #forwardBiasRelu} for this shape and arithmetic, by calling
   * it; overwrites y.
   */
  public boolean offersForwardBiasRelu(DeviceSpan x, DeviceSpan w, DeviceSpan bias, DeviceSpan y) {
    return isOffered(
        () -> {
          forwardBiasRelu(x, w, bias, y);
          return true;
        });
  }

  /** {@code dx = gradient of x}. */
  public void inputGradient(DeviceSpan w, DeviceSpan dy, DeviceSpan dx) {
    Choice choice = choices.get(Direction.BACKWARD_DATA);
    cudnn.cudnnConvolutionBackwardData(
        lane.cudnn(),
        1,
        wDescriptor.address(),
        w.address(),
        yDescriptor.address(),
        dy.address(),
        choice.convolution.address(),
        choice.algorithm.number(),
        lane.workspace(),
        choice.workspaceBytes,
        0,
        xDescriptor.address(),
        dx.address());
  }

  /** {@code dw = gradient of w}. */
  public void weightGradient(DeviceSpan x, DeviceSpan dy, DeviceSpan dw) {
    Choice choice = choices.get(Direction.BACKWARD_FILTER);
    cudnn.cudnnConvolutionBackwardFilter(
        lane.cudnn(),
        1,
        xDescriptor.address(),
        x.address(),
        yDescriptor.address(),
        dy.address(),
        choice.convolution.address(),
        choice.algorithm.number(),
        lane.workspace(),
        choice.workspaceBytes,
        0,
        wDescriptor.address(),
        dw.address());
  }

  @Override
  public void close() {
    descriptors.close();
  }
}
