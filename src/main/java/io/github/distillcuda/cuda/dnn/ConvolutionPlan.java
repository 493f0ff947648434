package io.github.distillcuda.cuda.dnn;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.cuda.LibraryObject;
import io.github.distillcuda.cuda.MathMode;
import io.github.distillcuda.ffi.CudnnApi;
import io.github.distillcuda.ffi.CudnnConstants;
import io.github.distillcuda.ffi.CudnnPerformance;
import io.github.distillcuda.ffi.NativeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A 3x3 convolution of stride 1 and padding 1 for one batch size, forward and backward, on one
 * lane.
 *
 * <p>Algorithms are chosen by rule among those that always give the same bits: implicit precomputed
 * GEMM forward, algorithm 1 for the gradients. Where TF32 may round, Winograd's transforms in
 * float32 err less than that and take the gradient of the filters, if cuDNN offers them for the
 * shape: its algorithm 1 sums on few multiprocessors (native-notes/gpu-runs.md). The {@code
 * measure} methods replace all that by what cuDNN finds fastest, which may differ from run to run.
 *
 * <p>x of [N, in, H, W], w of [out, in, 3, 3], bias [out], y of [N, out, H, W], in the format of
 * the lane's arithmetic; gradients likewise, that of w too. All calls are asynchronous and allocate
 * nothing.
 */
public final class ConvolutionPlan implements AutoCloseable {
  /** cuDNN has at most 8 algorithms a direction, each with and without tensor cores. */
  private static final int MOST_RESULTS = 16;

  /** What a measured algorithm may ask for. */
  private static final long MEASURED_WORKSPACE = 256L << 20;

  /** Of the status codes of cuDNN 9, those from 3000 on say that it lacks something. */
  private static final int NOT_SUPPORTED_THOUSANDS =
      CudnnConstants.CUDNN_STATUS_NOT_SUPPORTED / 1000;

  /** A direction: its algorithm and the arithmetic it was chosen with. */
  private static final class Direction {
    private final LibraryObject convolution;
    private int algorithm;
    private boolean measured;

    Direction(LibraryObject convolution, int algorithm) {
      this.convolution = convolution;
      this.algorithm = algorithm;
    }

    @Override
    public String toString() {
      return "cuDNN algorithm %d, %s".formatted(algorithm, measured ? "measured" : "by rule");
    }
  }

  private final ComputeLane lane;
  private final CudnnApi cudnn;
  private final Descriptors descriptors;
  private final LibraryObject x;
  private final LibraryObject w;
  private final LibraryObject bias;
  private final LibraryObject y;
  private final LibraryObject relu;
  private final Direction forward;
  private final Direction data;
  private final Direction filter;

  /**
   * Plans by rule; the caller closes the plan.
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
    x = descriptors.tensor(input);
    w = descriptors.filter(outChannels, input.channels());
    bias = descriptors.tensor(output.perChannel());
    y = descriptors.tensor(output);
    relu = descriptors.relu();
    forward =
        new Direction(
            descriptors.convolution(lane.math()),
            CudnnConstants.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM);
    data =
        new Direction(
            descriptors.convolution(lane.math()), CudnnConstants.CUDNN_CONVOLUTION_BWD_DATA_ALGO_1);
    filter =
        new Direction(
            descriptors.convolution(lane.math()),
            lane.math() == MathMode.TF32
                ? CudnnConstants.CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED
                : CudnnConstants.CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1);
  }

  /** Returns the algorithm of the forward pass, for people. */
  public String forwardAlgorithm() {
    return forward.toString();
  }

  /** Returns the algorithm of the gradient of the data, for people. */
  public String dataAlgorithm() {
    return data.toString();
  }

  /** Returns the algorithm of the gradient of the filters, for people. */
  public String filterAlgorithm() {
    return filter.toString();
  }

  /** Reserves the workspace of the forward pass. */
  public void prepareForward() {
    lane.reserve(
        cudnn.cudnnGetConvolutionForwardWorkspaceSize(
            lane.cudnn(),
            x.address(),
            w.address(),
            forward.convolution.address(),
            y.address(),
            forward.algorithm));
  }

  /** Reserves the workspace of the gradient of the data. */
  public void prepareData() {
    lane.reserve(
        cudnn.cudnnGetConvolutionBackwardDataWorkspaceSize(
            lane.cudnn(),
            w.address(),
            y.address(),
            data.convolution.address(),
            x.address(),
            data.algorithm));
  }

  /** Reserves the workspace of the gradient of the filters. */
  public void prepareFilter() {
    try {
      lane.reserve(filterWorkspace());
    } catch (NativeException e) {
      if (filter.measured || !isNotSupported(e)) {
        throw e;
      }
      filter.algorithm = CudnnConstants.CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
      lane.reserve(filterWorkspace());
    }
  }

  private long filterWorkspace() {
    return cudnn.cudnnGetConvolutionBackwardFilterWorkspaceSize(
        lane.cudnn(),
        x.address(),
        y.address(),
        filter.convolution.address(),
        w.address(),
        filter.algorithm);
  }

  private static boolean isNotSupported(NativeException e) {
    return e.code() / 1000 == NOT_SUPPORTED_THOUSANDS;
  }

  /** Measures the algorithms of the forward pass on the device, overwriting y. */
  public void measureForward(DeviceSpan xs, DeviceSpan ws, DeviceSpan ys) {
    measure(
        forward,
        results ->
            cudnn.cudnnFindConvolutionForwardAlgorithmEx(
                lane.cudnn(),
                x.address(),
                xs.address(),
                w.address(),
                ws.address(),
                forward.convolution.address(),
                y.address(),
                ys.address(),
                results,
                lane.workspace(),
                lane.workspaceBytes()));
  }

  /** Measures the algorithms of the gradient of the data, overwriting dx. */
  public void measureData(DeviceSpan ws, DeviceSpan dy, DeviceSpan dx) {
    measure(
        data,
        results ->
            cudnn.cudnnFindConvolutionBackwardDataAlgorithmEx(
                lane.cudnn(),
                w.address(),
                ws.address(),
                y.address(),
                dy.address(),
                data.convolution.address(),
                x.address(),
                dx.address(),
                results,
                lane.workspace(),
                lane.workspaceBytes()));
  }

  /** Measures the algorithms of the gradient of the filters, overwriting dw. */
  public void measureFilter(DeviceSpan xs, DeviceSpan dy, DeviceSpan dw) {
    measure(
        filter,
        results ->
            cudnn.cudnnFindConvolutionBackwardFilterAlgorithmEx(
                lane.cudnn(),
                x.address(),
                xs.address(),
                y.address(),
                dy.address(),
                filter.convolution.address(),
                w.address(),
                dw.address(),
                results,
                lane.workspace(),
                lane.workspaceBytes()));
  }

  /** One of cuDNN's three functions that measure. */
  private interface Finder {
    int find(MemorySegment results);
  }

  private void measure(Direction direction, Finder finder) {
    lane.reserve(MEASURED_WORKSPACE);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment results = arena.allocate(MOST_RESULTS * CudnnPerformance.BYTES, 8);
      List<CudnnPerformance> fastestFirst = CudnnPerformance.read(results, finder.find(results));
      for (CudnnPerformance found : fastestFirst) {
        if (found.status() == 0 && lane.math().accepts(found.mathType())) {
          cudnn.cudnnSetConvolutionMathType(direction.convolution.address(), found.mathType());
          direction.algorithm = found.algorithm();
          direction.measured = true;
          return;
        }
      }
    }
  }

  /** {@code y = conv(x, w)}. */
  public void forward(DeviceSpan xs, DeviceSpan ws, DeviceSpan ys) {
    cudnn.cudnnConvolutionForward(
        lane.cudnn(),
        1,
        x.address(),
        xs.address(),
        w.address(),
        ws.address(),
        forward.convolution.address(),
        forward.algorithm,
        lane.workspace(),
        lane.workspaceBytes(),
        0,
        y.address(),
        ys.address());
  }

  /** {@code y = max(conv(x, w) + bias, 0)}, in one call. */
  public void forwardBiasRelu(DeviceSpan xs, DeviceSpan ws, DeviceSpan bs, DeviceSpan ys) {
    cudnn.cudnnConvolutionBiasActivationForward(
        lane.cudnn(),
        1,
        x.address(),
        xs.address(),
        w.address(),
        ws.address(),
        forward.convolution.address(),
        forward.algorithm,
        lane.workspace(),
        lane.workspaceBytes(),
        0,
        y.address(),
        ys.address(),
        bias.address(),
        bs.address(),
        relu.address(),
        y.address(),
        ys.address());
  }

  /**
   * Returns whether cuDNN has {@link #forwardBiasRelu} for this shape and arithmetic, by calling
   * it; overwrites y.
   */
  public boolean offersForwardBiasRelu(DeviceSpan xs, DeviceSpan ws, DeviceSpan bs, DeviceSpan ys) {
    try {
      forwardBiasRelu(xs, ws, bs, ys);
      return true;
    } catch (NativeException e) {
      if (isNotSupported(e)) {
        return false;
      }
      throw e;
    }
  }

  /** {@code dx = gradient of x}. */
  public void dataGradient(DeviceSpan ws, DeviceSpan dy, DeviceSpan dx) {
    cudnn.cudnnConvolutionBackwardData(
        lane.cudnn(),
        1,
        w.address(),
        ws.address(),
        y.address(),
        dy.address(),
        data.convolution.address(),
        data.algorithm,
        lane.workspace(),
        lane.workspaceBytes(),
        0,
        x.address(),
        dx.address());
  }

  /** {@code dw = gradient of w}. */
  public void filterGradient(DeviceSpan xs, DeviceSpan dy, DeviceSpan dw) {
    cudnn.cudnnConvolutionBackwardFilter(
        lane.cudnn(),
        1,
        x.address(),
        xs.address(),
        y.address(),
        dy.address(),
        filter.convolution.address(),
        filter.algorithm,
        lane.workspace(),
        lane.workspaceBytes(),
        0,
        w.address(),
        dw.address());
  }

  @Override
  public void close() {
    descriptors.close();
  }
}
