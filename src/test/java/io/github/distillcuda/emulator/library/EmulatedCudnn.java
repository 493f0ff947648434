package io.github.distillcuda.emulator.library;

import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_STATUS_NOT_SUPPORTED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.ffi.CudnnApi;
import io.github.distillcuda.ffi.CudnnConstants;
import io.github.distillcuda.ffi.CudnnPerformance;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/** cuDNN's legacy API on an emulated device: the convolutions, and what stands between them. */
public final class EmulatedCudnn extends EmulatedCudnnLayers implements CudnnApi {
  /** The three directions; an algorithm's number is of its own enumeration in each. */
  private enum Direction {
    FORWARD(7),
    BACKWARD_DATA(5),
    BACKWARD_FILTER(5);

    /** The number of the algorithm of Winograd in separate kernels. */
    private final int winograd;

    Direction(int winograd) {
      this.winograd = winograd;
    }
  }

  /** A convolution that fits together. */
  private record Problem(
      ConvolutionDescriptor descriptor,
      ConvolutionShape convolution,
      TensorShape x,
      TensorShape w,
      TensorShape y) {
    ConvolutionLoops loops() {
      return new ConvolutionLoops(convolution, x, w);
    }
  }

  public EmulatedCudnn(EmulatedDevice device) {
    super(device);
  }

  @Override
  public long cudnnGetVersion() {
    device().latch().requireUsable("cudnnGetVersion");
    return 92_400;
  }

  @Override
  public long cudnnGetCudartVersion() {
    device().latch().requireUsable("cudnnGetCudartVersion");
    return 13_000;
  }

  private Problem problem(long convolution, long xDesc, long wDesc, long yDesc) {
    ConvolutionDescriptor descriptor = convolution(convolution);
    Problem problem =
        new Problem(descriptor, shape(descriptor), tensor(xDesc), filter(wDesc), tensor(yDesc));
    int[] output = outputOf(problem.convolution(), problem.x(), problem.w());
    requireParam(
        problem.y().hasExtents(output[0], output[1], output[2], output[3]),
        "the output's extents do not follow from input, filters and convolution");
    emulated(
        problem.x().hasEmulatedType()
            && problem.x().dataType() == problem.w().dataType()
            && problem.x().dataType() == problem.y().dataType(),
        () -> "these types");
    emulated(
        problem.x().format() == problem.w().format()
            && problem.x().format() == problem.y().format(),
        () -> "different formats of input, filters and output");
    emulated(
        problem.convolution().mode() == CudnnConstants.CUDNN_CROSS_CORRELATION
            && problem.convolution().computeType() == CudnnConstants.CUDNN_DATA_FLOAT,
        () -> "this mode or type of sums");
    return problem;
  }

  /** Returns what an algorithm needs: forward, 0 needs nothing; all others have tables to keep. */
  private long workspace(Direction direction, Problem problem, int algorithm) {
    emulated(
        algorithm == 0 || algorithm == 1 || algorithm == direction.winograd,
        () -> "algorithm " + algorithm);
    require(
        algorithm != direction.winograd || isForWinograd(problem),
        CUDNN_STATUS_NOT_SUPPORTED,
        "Winograd is for 3x3 filters of stride 1 in NCHW");
    return algorithm == 0 ? 0 : 256 + 4L * problem.w().elements() * (1 + direction.ordinal());
  }

  private static boolean isForWinograd(Problem problem) {
    ConvolutionShape convolution = problem.convolution();
    return problem.w().h() == 3
        && problem.w().w() == 3
        && convolution.strideHeight() == 1
        && convolution.strideWidth() == 1
        && convolution.dilationHeight() == 1
        && convolution.dilationWidth() == 1
        && problem.x().format() == CudnnConstants.CUDNN_TENSOR_NCHW;
  }

  @Override
  public long cudnnGetConvolutionForwardWorkspaceSize(
      long handle, long xDesc, long wDesc, long convolution, long yDesc, int algorithm) {
    call(
        "cudnnGetConvolutionForwardWorkspaceSize",
        handle,
        xDesc,
        wDesc,
        convolution,
        yDesc,
        algorithm);
    handle(handle);
    return workspace(Direction.FORWARD, problem(convolution, xDesc, wDesc, yDesc), algorithm);
  }

  @Override
  public long cudnnGetConvolutionBackwardDataWorkspaceSize(
      long handle, long wDesc, long dyDesc, long convolution, long dxDesc, int algorithm) {
    call(
        "cudnnGetConvolutionBackwardDataWorkspaceSize",
        handle,
        wDesc,
        dyDesc,
        convolution,
        dxDesc,
        algorithm);
    handle(handle);
    return workspace(
        Direction.BACKWARD_DATA, problem(convolution, dxDesc, wDesc, dyDesc), algorithm);
  }

  @Override
  public long cudnnGetConvolutionBackwardFilterWorkspaceSize(
      long handle, long xDesc, long dyDesc, long convolution, long dwDesc, int algorithm) {
    call(
        "cudnnGetConvolutionBackwardFilterWorkspaceSize",
        handle,
        xDesc,
        dyDesc,
        convolution,
        dwDesc,
        algorithm);
    handle(handle);
    return workspace(
        Direction.BACKWARD_FILTER, problem(convolution, xDesc, dwDesc, dyDesc), algorithm);
  }

  // ---- Measuring

  @Override
  public int cudnnFindConvolutionForwardAlgorithmEx(
      long handle,
      long xDesc,
      long x,
      long wDesc,
      long w,
      long convolution,
      long yDesc,
      long y,
      MemorySegment results,
      long workspace,
      long workspaceBytes) {
    call(
        "cudnnFindConvolutionForwardAlgorithmEx",
        handle,
        xDesc,
        x,
        wDesc,
        w,
        convolution,
        yDesc,
        y,
        results,
        workspace,
        workspaceBytes);
    Problem problem = problem(convolution, xDesc, wDesc, yDesc);
    return find(
        handle, Direction.FORWARD, problem, problem.y(), y, results, workspace, workspaceBytes);
  }

  @Override
  public int cudnnFindConvolutionBackwardDataAlgorithmEx(
      long handle,
      long wDesc,
      long w,
      long dyDesc,
      long dy,
      long convolution,
      long dxDesc,
      long dx,
      MemorySegment results,
      long workspace,
      long workspaceBytes) {
    call(
        "cudnnFindConvolutionBackwardDataAlgorithmEx",
        handle,
        wDesc,
        w,
        dyDesc,
        dy,
        convolution,
        dxDesc,
        dx,
        results,
        workspace,
        workspaceBytes);
    Problem problem = problem(convolution, dxDesc, wDesc, dyDesc);
    return find(
        handle,
        Direction.BACKWARD_DATA,
        problem,
        problem.x(),
        dx,
        results,
        workspace,
        workspaceBytes);
  }

  @Override
  public int cudnnFindConvolutionBackwardFilterAlgorithmEx(
      long handle,
      long xDesc,
      long x,
      long dyDesc,
      long dy,
      long convolution,
      long dwDesc,
      long dw,
      MemorySegment results,
      long workspace,
      long workspaceBytes) {
    call(
        "cudnnFindConvolutionBackwardFilterAlgorithmEx",
        handle,
        xDesc,
        x,
        dyDesc,
        dy,
        convolution,
        dwDesc,
        dw,
        results,
        workspace,
        workspaceBytes);
    Problem problem = problem(convolution, xDesc, dwDesc, dyDesc);
    return find(
        handle,
        Direction.BACKWARD_FILTER,
        problem,
        problem.w(),
        dw,
        results,
        workspace,
        workspaceBytes);
  }

  /** Answers with both algorithms that fit the workspace, and one that does not run. */
  private int find(
      long handle,
      Direction direction,
      Problem problem,
      TensorShape overwritten,
      long output,
      MemorySegment results,
      long workspace,
      long workspaceBytes) {
    handle(handle);
    emulated(!device().isCapturing(), () -> "measuring while this thread records");
    device().synchronize();
    arrays().scribble(workspace, workspaceBytes);
    arrays().scribble(output, (long) overwritten.elements() * overwritten.elementType().bytes());
    int room = (int) (results.byteSize() / CudnnPerformance.BYTES);
    int count = 0;
    for (int algorithm : new int[] {0, 1}) {
      long needed = workspace(direction, problem, algorithm);
      boolean deterministic = direction == Direction.FORWARD || algorithm == 1;
      if (needed <= workspaceBytes && count < room) {
        performance(results, count++, algorithm, 0, needed, deterministic, problem);
      }
    }
    if (count < room) {
      performance(results, count++, 2, CUDNN_STATUS_NOT_SUPPORTED, 0, false, problem);
    }
    return count;
  }

  private static void performance(
      MemorySegment results,
      int index,
      int algorithm,
      int status,
      long workspace,
      boolean deterministic,
      Problem problem) {
    MemorySegment entry =
        results.asSlice(index * CudnnPerformance.BYTES, CudnnPerformance.BYTES).fill((byte) 0);
    entry.set(JAVA_INT, 0, algorithm);
    entry.set(JAVA_INT, 4, status);
    entry.set(JAVA_FLOAT, 8, status == 0 ? 0.01f * (index + 1) : -1);
    entry.set(JAVA_LONG, 16, workspace);
    entry.set(JAVA_INT, 24, deterministic ? CudnnConstants.CUDNN_DETERMINISTIC : 0);
    entry.set(JAVA_INT, 28, problem.descriptor().mathType());
  }

  // ---- Convolution

  /** Does a convolution in the handle's stream; its workspace keeps nothing. */
  private void submit(
      long handle,
      Direction direction,
      Problem problem,
      int algorithm,
      long workspace,
      long workspaceBytes,
      Consumer<ConvolutionLoops> body) {
    requireParam(
        workspace(direction, problem, algorithm) <= workspaceBytes, "the workspace is too small");
    submit(
        handle,
        () -> {
          arrays().scribble(workspace, workspaceBytes);
          body.accept(problem.loops());
          arrays().scribble(workspace, workspaceBytes);
        });
  }

  /** Reads a factor, rounded where tensor cores may take it: always but with FMA. */
  private float[] factor(Problem problem, TensorShape shape, long address) {
    float[] values = shape.read(arrays(), address);
    if (shape.elementType() == ElementType.FLOAT32
        && problem.descriptor().mathType() != CudnnConstants.CUDNN_FMA_MATH
        && device().computeCapability() >= 80) {
      for (int i = 0; i < values.length; i++) {
        values[i] = ElementType.toTf32(values[i]);
      }
    }
    return values;
  }

  @Override
  public void cudnnConvolutionForward(
      long handle,
      float alpha,
      long xDesc,
      long x,
      long wDesc,
      long w,
      long convolution,
      int algorithm,
      long workspace,
      long workspaceBytes,
      float beta,
      long yDesc,
      long y) {
    call(
        "cudnnConvolutionForward",
        handle,
        alpha,
        xDesc,
        x,
        wDesc,
        w,
        convolution,
        algorithm,
        workspace,
        workspaceBytes,
        beta,
        yDesc,
        y);
    Problem problem = problem(convolution, xDesc, wDesc, yDesc);
    submit(
        handle,
        Direction.FORWARD,
        problem,
        algorithm,
        workspace,
        workspaceBytes,
        loops ->
            problem
                .y()
                .write(
                    arrays(),
                    y,
                    alpha,
                    loops.forward(factor(problem, problem.x(), x), factor(problem, problem.w(), w)),
                    beta));
  }

  @Override
  public void cudnnConvolutionBiasActivationForward(
      long handle,
      float alpha1,
      long xDesc,
      long x,
      long wDesc,
      long w,
      long convolution,
      int algorithm,
      long workspace,
      long workspaceBytes,
      float alpha2,
      long zDesc,
      long z,
      long biasDesc,
      long bias,
      long activation,
      long yDesc,
      long y) {
    call(
        "cudnnConvolutionBiasActivationForward",
        handle,
        alpha1,
        xDesc,
        x,
        wDesc,
        w,
        convolution,
        algorithm,
        workspace,
        workspaceBytes,
        alpha2,
        zDesc,
        z,
        biasDesc,
        bias,
        activation,
        yDesc,
        y);
    Problem problem = problem(convolution, xDesc, wDesc, yDesc);
    ActivationDescriptor function = activation(activation);
    boolean identity = function.mode() == CudnnConstants.CUDNN_ACTIVATION_IDENTITY;
    emulated(
        identity || function.mode() == CudnnConstants.CUDNN_ACTIVATION_RELU,
        () -> "this activation");
    require(
        !identity || algorithm == CudnnConstants.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
        CUDNN_STATUS_NOT_SUPPORTED,
        "the identity is for one algorithm alone");
    requireParam(tensor(zDesc).equals(problem.y()), "z is not like y");
    TensorShape biases = tensor(biasDesc);
    requireParam(biases.hasExtents(1, problem.w().n(), 1, 1), "the bias is not [1, k, 1, 1]");
    submit(
        handle,
        Direction.FORWARD,
        problem,
        algorithm,
        workspace,
        workspaceBytes,
        loops -> {
          double[] sums =
              loops.forward(factor(problem, problem.x(), x), factor(problem, problem.w(), w));
          float[] added = alpha2 == 0 ? null : problem.y().read(arrays(), z);
          float[] channels = biases.read(arrays(), bias);
          int plane = problem.y().h() * problem.y().w();
          float[] result = new float[sums.length];
          for (int i = 0; i < result.length; i++) {
            double sum = alpha1 * sums[i] + channels[i / plane % channels.length];
            sum += added == null ? 0 : (double) alpha2 * added[i];
            result[i] = identity ? (float) sum : relu((float) sum, function);
          }
          problem.y().write(arrays(), y, result);
        });
  }

  @Override
  public void cudnnConvolutionBackwardBias(
      long handle, float alpha, long dyDesc, long dy, float beta, long dbDesc, long db) {
    call("cudnnConvolutionBackwardBias", handle, alpha, dyDesc, dy, beta, dbDesc, db);
    TensorShape gradient = tensor(dyDesc);
    TensorShape biases = tensor(dbDesc);
    requireParam(biases.hasExtents(1, gradient.c(), 1, 1), "the bias is not [1, c, 1, 1]");
    requireLikeTypes(gradient, biases);
    submit(
        handle,
        () -> {
          float[] values = gradient.read(arrays(), dy);
          double[] sums = new double[gradient.c()];
          int plane = gradient.h() * gradient.w();
          for (int i = 0; i < values.length; i++) {
            sums[i / plane % sums.length] += values[i];
          }
          biases.write(arrays(), db, alpha, sums, beta);
        });
  }

  @Override
  public void cudnnConvolutionBackwardData(
      long handle,
      float alpha,
      long wDesc,
      long w,
      long dyDesc,
      long dy,
      long convolution,
      int algorithm,
      long workspace,
      long workspaceBytes,
      float beta,
      long dxDesc,
      long dx) {
    call(
        "cudnnConvolutionBackwardData",
        handle,
        alpha,
        wDesc,
        w,
        dyDesc,
        dy,
        convolution,
        algorithm,
        workspace,
        workspaceBytes,
        beta,
        dxDesc,
        dx);
    Problem problem = problem(convolution, dxDesc, wDesc, dyDesc);
    submit(
        handle,
        Direction.BACKWARD_DATA,
        problem,
        algorithm,
        workspace,
        workspaceBytes,
        loops ->
            problem
                .x()
                .write(
                    arrays(),
                    dx,
                    alpha,
                    loops.gradientOfInput(
                        factor(problem, problem.w(), w), factor(problem, problem.y(), dy)),
                    beta));
  }

  @Override
  public void cudnnConvolutionBackwardFilter(
      long handle,
      float alpha,
      long xDesc,
      long x,
      long dyDesc,
      long dy,
      long convolution,
      int algorithm,
      long workspace,
      long workspaceBytes,
      float beta,
      long dwDesc,
      long dw) {
    call(
        "cudnnConvolutionBackwardFilter",
        handle,
        alpha,
        xDesc,
        x,
        dyDesc,
        dy,
        convolution,
        algorithm,
        workspace,
        workspaceBytes,
        beta,
        dwDesc,
        dw);
    Problem problem = problem(convolution, xDesc, dwDesc, dyDesc);
    submit(
        handle,
        Direction.BACKWARD_FILTER,
        problem,
        algorithm,
        workspace,
        workspaceBytes,
        loops ->
            problem
                .w()
                .write(
                    arrays(),
                    dw,
                    alpha,
                    loops.gradientOfFilters(
                        factor(problem, problem.x(), x), factor(problem, problem.y(), dy)),
                    beta));
  }
}
