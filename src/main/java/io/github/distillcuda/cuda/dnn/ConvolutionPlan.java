package io.github.distillcuda.cuda.dnn;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.MathMode;
import io.github.distillcuda.cuda.dnn.ConvolutionCalls.Choice;
import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
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

  /** In float32: rounded to TF32, factors would err by what its transforms make of that. */
  private static final ConvolutionAlgorithm WINOGRAD =
      new ConvolutionAlgorithm(
          CudnnConstants.CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED,
          CudnnConstants.CUDNN_FMA_MATH,
          false);

  /** Of the status codes of cuDNN 9, those from 3000 on say that it lacks something. */
  private static final int NOT_SUPPORTED_THOUSANDS =
      CudnnConstants.CUDNN_STATUS_NOT_SUPPORTED / 1000;

  /** What a convolution computes. */
  public enum Direction {
    FORWARD,
    BACKWARD_DATA,
    BACKWARD_FILTER
  }

  private final ComputeLane lane;
  private final ConvolutionCalls calls;
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
    calls = new ConvolutionCalls(lane, input, outChannels);
  }

  /** Returns what a direction is computed with, once that was chosen. */
  public ConvolutionAlgorithm algorithm(Direction direction) {
    return choices.get(direction).algorithm();
  }

  /**
   * Chooses an algorithm and reserves its workspace, unless it rounds more than the lane's
   * arithmetic may or cuDNN does not have it for this shape. Computes once, which overwrites the
   * result: not every device has what cuDNN names a workspace for.
   *
   * @param x the input, or its gradient
   * @param w the filters, or their gradient
   * @param y the output, or its gradient
   * @return whether it was chosen
   */
  public boolean take(
      Direction direction,
      ConvolutionAlgorithm algorithm,
      DeviceSpan x,
      DeviceSpan w,
      DeviceSpan y) {
    return lane.math().accepts(algorithm.mathType())
        && runs(direction, algorithm, Long.MAX_VALUE, x, w, y);
  }

  private boolean runs(
      Direction direction,
      ConvolutionAlgorithm algorithm,
      long mostWorkspaceBytes,
      DeviceSpan x,
      DeviceSpan w,
      DeviceSpan y) {
    return isOffered(
        () -> {
          boolean chosen = choose(direction, algorithm, mostWorkspaceBytes);
          if (chosen) {
            compute(direction, x, w, y);
          }
          return chosen;
        });
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

  /**
   * Chooses by rule and reserves the workspace; what the direction computes may be overwritten.
   *
   * @param x the input, or its gradient
   * @param w the filters, or their gradient
   * @param y the output, or its gradient
   */
  public void takeByRule(Direction direction, DeviceSpan x, DeviceSpan w, DeviceSpan y) {
    boolean winograd =
        direction == Direction.BACKWARD_FILTER
            && lane.math() == MathMode.TF32
            && runs(direction, WINOGRAD, ComputeLane.WORKSPACE_BYTES, x, w, y);
    if (!winograd) {
      int number =
          switch (direction) {
            case FORWARD -> CudnnConstants.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
            case BACKWARD_DATA -> CudnnConstants.CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
            case BACKWARD_FILTER -> CudnnConstants.CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
          };
      choose(
          direction,
          new ConvolutionAlgorithm(number, lane.math().convolution(), false),
          Long.MAX_VALUE);
    }
  }

  /** Chooses an algorithm, unless it wants more workspace than this; returns whether. */
  private boolean choose(
      Direction direction, ConvolutionAlgorithm algorithm, long mostWorkspaceBytes) {
    calls.setMathType(direction, algorithm.mathType());
    long needed = calls.workspaceBytes(direction, algorithm.number());
    if (needed > mostWorkspaceBytes) {
      return false;
    }
    lane.reserve(needed);
    choices.put(direction, new Choice(algorithm, needed));
    return true;
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
      takeByRule(direction, x, w, y);
      return;
    }
    calls.setMathType(direction, lane.math().convolution());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment results = arena.allocate(MOST_RESULTS * CudnnPerformance.BYTES, 8);
      int found = calls.find(direction, x, w, y, results);
      boolean chosen =
          CudnnPerformance.read(results, found).stream() // the fastest first
              .filter(one -> one.status() == 0)
              .map(one -> new ConvolutionAlgorithm(one.algorithm(), one.mathType(), true))
              .anyMatch(algorithm -> take(direction, algorithm, x, w, y));
      if (!chosen) {
        takeByRule(direction, x, w, y);
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

  /** {@code y = conv(x, w)}. */
  public void forward(DeviceSpan x, DeviceSpan w, DeviceSpan y) {
    compute(Direction.FORWARD, x, w, y);
  }

  /** {@code y = max(conv(x, w) + bias, 0)}, in one call. */
  public void forwardBiasRelu(DeviceSpan x, DeviceSpan w, DeviceSpan bias, DeviceSpan y) {
    calls.forwardBiasRelu(choices.get(Direction.FORWARD), x, w, bias, y);
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
    compute(Direction.BACKWARD_DATA, dx, w, dy);
  }

  /** {@code dw = gradient of w}. */
  public void weightGradient(DeviceSpan x, DeviceSpan dy, DeviceSpan dw) {
    compute(Direction.BACKWARD_FILTER, x, dw, dy);
  }

  private void compute(Direction direction, DeviceSpan x, DeviceSpan w, DeviceSpan y) {
    calls.compute(direction, choices.get(direction), x, w, y);
  }

  @Override
  public void close() {
    calls.close();
  }
}
