package io.github.distillcuda.emulator.library;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.ConvolutionProblem.Direction;
import io.github.distillcuda.ffi.CudnnApi;
import io.github.distillcuda.ffi.CudnnConstants;
import io.github.distillcuda.ffi.CudnnPerformance;
import java.lang.foreign.MemorySegment;
import java.util.Set;

/** cuDNN's legacy API on an emulated device: the convolutions, and what stands between them. */
public final class EmulatedCudnn extends EmulatedCudnnLayers {
  private EmulatedCudnn(EmulatedDevice device) {
    super(device);
  }

  /** Returns cuDNN on a device. */
  public static CudnnApi on(EmulatedDevice device) {
    return new EmulatedCudnn(device)
        .logging(CudnnApi.class, Set.of("cudnnGetVersion", "cudnnGetCudartVersion"));
  }

  @Override
  public long cudnnGetVersion() {
    return 92_400;
  }

  @Override
  public long cudnnGetCudartVersion() {
    return 13_000;
  }

  private ConvolutionProblem problem(long convolution, long xDesc, long wDesc, long yDesc) {
    ConvolutionShape shape = convolution(convolution);
    TensorShape x = tensor(xDesc);
    TensorShape w = filter(wDesc);
    TensorShape y = tensor(yDesc);
    requireValid(
        y.hasExtents(outputOf(shape, x, w)),
        "the output's extents do not follow from input, filters and convolution");
    requireLikeTypes(x, w, y);
    emulated(
        x.format() == w.format() && x.format() == y.format(),
        () -> "different formats of input, filters and output");
    emulated(
        shape.mode() == CudnnConstants.CUDNN_CROSS_CORRELATION
            && shape.computeType() == CudnnConstants.CUDNN_DATA_FLOAT,
        () -> "this mode or type of sums");
    return new ConvolutionProblem(shape, mathType(convolution), x, w, y);
  }

  // ---- Workspaces

  /** Returns what an algorithm needs. */
  private long workspace(Direction direction, ConvolutionProblem problem, int algorithm) {
    emulated(problem.isEmulated(direction, algorithm), () -> "algorithm " + algorithm);
    requireSupported(
        problem.isSupported(direction, algorithm),
        "Winograd is for 3x3 filters of stride 1 in NCHW");
    return problem.workspaceBytes(direction, algorithm);
  }

  @Override
  public long cudnnGetConvolutionForwardWorkspaceSize(
      long handle, long xDesc, long wDesc, long convolution, long yDesc, int algorithm) {
    stream(handle);
    return workspace(Direction.FORWARD, problem(convolution, xDesc, wDesc, yDesc), algorithm);
  }

  @Override
  public long cudnnGetConvolutionBackwardDataWorkspaceSize(
      long handle, long wDesc, long dyDesc, long convolution, long dxDesc, int algorithm) {
    stream(handle);
    ConvolutionProblem problem = problem(convolution, dxDesc, wDesc, dyDesc);
    return workspace(Direction.BACKWARD_DATA, problem, algorithm);
  }

  @Override
  public long cudnnGetConvolutionBackwardFilterWorkspaceSize(
      long handle, long xDesc, long dyDesc, long convolution, long dwDesc, int algorithm) {
    stream(handle);
    ConvolutionProblem problem = problem(convolution, xDesc, dwDesc, dyDesc);
    return workspace(Direction.BACKWARD_FILTER, problem, algorithm);
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
    ConvolutionProblem problem = problem(convolution, xDesc, wDesc, yDesc);
    return find(handle, Direction.FORWARD, problem, y, results, workspace, workspaceBytes);
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
    ConvolutionProblem problem = problem(convolution, dxDesc, wDesc, dyDesc);
    return find(handle, Direction.BACKWARD_DATA, problem, dx, results, workspace, workspaceBytes);
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
    ConvolutionProblem problem = problem(convolution, xDesc, dwDesc, dyDesc);
    return find(handle, Direction.BACKWARD_FILTER, problem, dw, results, workspace, workspaceBytes);
  }

  /** Answers with both algorithms that fit the workspace, and one that does not run. */
  private int find(
      long handle,
      Direction direction,
      ConvolutionProblem problem,
      long output,
      MemorySegment results,
      long workspace,
      long workspaceBytes) {
    stream(handle);
    requireNotRecording("measuring");
    device().synchronize();
    TensorShape overwritten = problem.result(direction);
    arrays().scribble(workspace, workspaceBytes);
    arrays().scribble(output, (long) overwritten.elements() * overwritten.elementType().bytes());
    int room = (int) (results.byteSize() / CudnnPerformance.BYTES);
    int count = 0;
    for (int algorithm : new int[] {0, 1}) {
      long needed = workspace(direction, problem, algorithm);
      if (needed <= workspaceBytes && count < room) {
        boolean deterministic = problem.isDeterministic(direction, algorithm);
        MemorySegment entry = performance(results, count++, algorithm, problem);
        entry.set(JAVA_FLOAT, 8, 0.01f * count);
        entry.set(JAVA_LONG, 16, needed);
        entry.set(JAVA_INT, 24, deterministic ? CudnnConstants.CUDNN_DETERMINISTIC : 0);
      }
    }
    if (count < room) {
      MemorySegment entry = performance(results, count++, 2, problem);
      entry.set(JAVA_INT, 4, CudnnConstants.CUDNN_STATUS_NOT_SUPPORTED);
      entry.set(JAVA_FLOAT, 8, -1);
    }
    return count;
  }

  private static MemorySegment performance(
      MemorySegment results, int index, int algorithm, ConvolutionProblem problem) {
    MemorySegment entry =
        results.asSlice(index * CudnnPerformance.BYTES, CudnnPerformance.BYTES).fill((byte) 0);
    entry.set(JAVA_INT, 0, algorithm);
    entry.set(JAVA_INT, 28, problem.mathType());
    return entry;
  }

  // ---- Convolution

  private void requireWorkspace(
      Direction direction, ConvolutionProblem problem, int algorithm, long bytes) {
    requireValid(workspace(direction, problem, algorithm) <= bytes, "the workspace is too small");
  }

  /** Reads a factor, rounded where tensor cores may take it: always but with FMA. */
  private float[] factor(ConvolutionProblem problem, TensorShape shape, long address) {
    float[] values = array(shape, address).read();
    if (shape.elementType() == ElementType.FLOAT32
        && problem.mathType() != CudnnConstants.CUDNN_FMA_MATH
        && hasTf32()) {
      ElementType.roundToTf32(values);
    }
    return values;
  }

  private double[] product(ConvolutionProblem problem, long x, long w) {
    return problem
        .loops()
        .forward(factor(problem, problem.x(), x), factor(problem, problem.w(), w));
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
    ConvolutionProblem problem = problem(convolution, xDesc, wDesc, yDesc);
    requireWorkspace(Direction.FORWARD, problem, algorithm, workspaceBytes);
    submit(
        stream(handle),
        workspace,
        workspaceBytes,
        () -> array(problem.y(), y).write(alpha, product(problem, x, w), beta));
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
    ConvolutionProblem problem = problem(convolution, xDesc, wDesc, yDesc);
    Activation function = activation(activation);
    boolean identity = function.mode() == CudnnConstants.CUDNN_ACTIVATION_IDENTITY;
    emulated(
        identity || function.mode() == CudnnConstants.CUDNN_ACTIVATION_RELU,
        () -> "this activation");
    requireSupported(
        !identity || algorithm == CudnnConstants.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
        "the identity is for one algorithm alone");
    requireValid(tensor(zDesc).equals(problem.y()), "z is not like y");
    TensorShape biases = tensor(biasDesc);
    requireValid(biases.hasExtents(1, problem.w().n(), 1, 1), "the bias is not [1, k, 1, 1]");
    requireLikeTypes(problem.y(), biases);
    requireWorkspace(Direction.FORWARD, problem, algorithm, workspaceBytes);
    submit(
        stream(handle),
        workspace,
        workspaceBytes,
        () -> {
          double[] sums = array(problem.y(), z).scaled(alpha1, product(problem, x, w), alpha2);
          float[] channels = array(biases, bias).read();
          for (int i = 0; i < sums.length; i++) {
            sums[i] += channels[problem.y().channel(i)];
            sums[i] = identity ? sums[i] : function.relu((float) sums[i]);
          }
          array(problem.y(), y).write(sums);
        });
  }

  @Override
  public void cudnnConvolutionBackwardBias(
      long handle, float alpha, long dyDesc, long dy, float beta, long dbDesc, long db) {
    TensorShape gradient = tensor(dyDesc);
    TensorShape biases = tensor(dbDesc);
    requireValid(biases.hasExtents(1, gradient.c(), 1, 1), "the bias is not [1, c, 1, 1]");
    requireSupported(
        gradient.dataType() == CudnnConstants.CUDNN_DATA_FLOAT, "this is for float32 alone");
    requireLikeTypes(gradient, biases);
    submit(
        stream(handle),
        () -> {
          float[] values = array(gradient, dy).read();
          double[] sums = new double[gradient.c()];
          for (int i = 0; i < values.length; i++) {
            sums[gradient.channel(i)] += values[i];
          }
          array(biases, db).write(alpha, sums, beta);
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
    ConvolutionProblem problem = problem(convolution, dxDesc, wDesc, dyDesc);
    requireWorkspace(Direction.BACKWARD_DATA, problem, algorithm, workspaceBytes);
    submit(
        stream(handle),
        workspace,
        workspaceBytes,
        () -> {
          float[] filters = factor(problem, problem.w(), w);
          float[] gradient = factor(problem, problem.y(), dy);
          double[] sums = problem.loops().gradientOfInput(filters, gradient);
          array(problem.x(), dx).write(alpha, sums, beta);
        });
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
    ConvolutionProblem problem = problem(convolution, xDesc, dwDesc, dyDesc);
    requireWorkspace(Direction.BACKWARD_FILTER, problem, algorithm, workspaceBytes);
    submit(
        stream(handle),
        workspace,
        workspaceBytes,
        () -> {
          float[] input = factor(problem, problem.x(), x);
          float[] gradient = factor(problem, problem.y(), dy);
          double[] sums = problem.loops().gradientOfFilters(input, gradient);
          array(problem.w(), dw).write(alpha, sums, beta);
        });
  }
}
