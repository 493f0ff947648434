package io.github.distillcuda.emulator.library;

import static io.github.distillcuda.emulator.library.ConvolutionProblem.Direction.BACKWARD_DATA;
import static io.github.distillcuda.emulator.library.ConvolutionProblem.Direction.BACKWARD_FILTER;
import static io.github.distillcuda.emulator.library.ConvolutionProblem.Direction.FORWARD;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.ConvolutionProblem.Convolution;
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

  private ConvolutionProblem problem(
      Direction direction, long convolution, long xDesc, long wDesc, long yDesc) {
    Convolution shape = convolution(convolution);
    TensorShape x = tensor(xDesc);
    TensorShape w = filter(wDesc);
    TensorShape y = tensor(yDesc);
    requireValid(y.hasExtents(outputOf(shape, x, w)), "y has not the extents that x and w lead to");
    requireLikeTypes(x, w, y);
    emulated(x.format() == w.format() && x.format() == y.format(), () -> "different formats");
    emulated(
        shape.mode() == CudnnConstants.CUDNN_CROSS_CORRELATION
            && shape.computeType() == CudnnConstants.CUDNN_DATA_FLOAT,
        () -> "this mode or type of sums");
    return new ConvolutionProblem(direction, shape, mathType(convolution), x, w, y);
  }

  // ---- Workspaces

  /** Returns what an algorithm needs. */
  private long workspace(long handle, ConvolutionProblem problem, int algorithm) {
    stream(handle);
    emulated(problem.isEmulated(algorithm), () -> "algorithm " + algorithm);
    requireSupported(
        problem.isSupported(algorithm), "Winograd is for 3x3 filters of stride 1 in NCHW");
    return problem.workspaceBytes(algorithm);
  }

  @Override
  public long cudnnGetConvolutionForwardWorkspaceSize(
      long handle, long xDesc, long wDesc, long convolution, long yDesc, int algorithm) {
    ConvolutionProblem problem = problem(FORWARD, convolution, xDesc, wDesc, yDesc);
    return workspace(handle, problem, algorithm);
  }

  @Override
  public long cudnnGetConvolutionBackwardDataWorkspaceSize(
      long handle, long wDesc, long dyDesc, long convolution, long dxDesc, int algorithm) {
    ConvolutionProblem problem = problem(BACKWARD_DATA, convolution, dxDesc, wDesc, dyDesc);
    return workspace(handle, problem, algorithm);
  }

  @Override
  public long cudnnGetConvolutionBackwardFilterWorkspaceSize(
      long handle, long xDesc, long dyDesc, long convolution, long dwDesc, int algorithm) {
    ConvolutionProblem problem = problem(BACKWARD_FILTER, convolution, xDesc, dwDesc, dyDesc);
    return workspace(handle, problem, algorithm);
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
    ConvolutionProblem problem = problem(FORWARD, convolution, xDesc, wDesc, yDesc);
    return find(handle, problem, y, results, new Workspace(workspace, workspaceBytes));
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
    ConvolutionProblem problem = problem(BACKWARD_DATA, convolution, dxDesc, wDesc, dyDesc);
    return find(handle, problem, dx, results, new Workspace(workspace, workspaceBytes));
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
    ConvolutionProblem problem = problem(BACKWARD_FILTER, convolution, xDesc, dwDesc, dyDesc);
    return find(handle, problem, dw, results, new Workspace(workspace, workspaceBytes));
  }

  /** Answers with both algorithms that fit the workspace, and one that does not run. */
  private int find(
      long handle, ConvolutionProblem problem, long y, MemorySegment results, Workspace workspace) {
    requireNotRecording("measuring");
    device().synchronize();
    TensorShape result = problem.result();
    scribble(workspace);
    scribble(new Workspace(y, (long) result.elements() * result.elementType().bytes()));
    int found = 0;
    for (int algorithm = 0; algorithm <= 2; algorithm++) {
      boolean runs = algorithm < 2;
      long needed = runs ? workspace(handle, problem, algorithm) : 0;
      if (needed <= workspace.bytes()
          && (found + 1) * CudnnPerformance.BYTES <= results.byteSize()) {
        MemorySegment entry =
            results.asSlice(found++ * CudnnPerformance.BYTES, CudnnPerformance.BYTES);
        boolean deterministic = runs && problem.isDeterministic(algorithm);
        entry.fill((byte) 0).set(JAVA_INT, 0, algorithm);
        entry.set(JAVA_INT, 4, runs ? 0 : CudnnConstants.CUDNN_STATUS_NOT_SUPPORTED);
        entry.set(JAVA_FLOAT, 8, runs ? 0.01f * found : -1);
        entry.set(JAVA_LONG, 16, needed);
        entry.set(JAVA_INT, 24, deterministic ? CudnnConstants.CUDNN_DETERMINISTIC : 0);
        entry.set(JAVA_INT, 28, problem.mathType());
      }
    }
    return found;
  }

  // ---- Convolution

  /** Does what an algorithm does with a workspace that must be as large as it said. */
  private void convolve(
      long handle, ConvolutionProblem problem, int algorithm, Workspace workspace, Runnable body) {
    long needed = workspace(handle, problem, algorithm);
    requireValid(needed <= workspace.bytes(), "the workspace is too small");
    submit(stream(handle), workspace, body);
  }

  /** Reads a factor, rounded where tensor cores may take it: always but with FMA. */
  private float[] factor(ConvolutionProblem problem, TensorShape shape, long address) {
    float[] values = array(shape, address).read();
    if (shape.elementType() == ElementType.FLOAT32
        && problem.mathType() != CudnnConstants.CUDNN_FMA_MATH) {
      tensorCores().round(values);
    }
    return values;
  }

  /** Returns what a problem computes of two of these three; the third is its result. */
  private double[] sums(ConvolutionProblem problem, long x, long w, long y) {
    Direction direction = problem.direction();
    return problem.sums(
        direction == BACKWARD_DATA ? null : factor(problem, problem.x(), x),
        direction == BACKWARD_FILTER ? null : factor(problem, problem.w(), w),
        direction == FORWARD ? null : factor(problem, problem.y(), y));
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
    ConvolutionProblem problem = problem(FORWARD, convolution, xDesc, wDesc, yDesc);
    Runnable body = () -> array(problem.y(), y).write(alpha, sums(problem, x, w, y), beta);
    convolve(handle, problem, algorithm, new Workspace(workspace, workspaceBytes), body);
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
    ConvolutionProblem problem = problem(FORWARD, convolution, xDesc, wDesc, yDesc);
    Activation function = activation(activation);
    emulated(function.isIdentity() || function.isRelu(), () -> "this activation");
    requireSupported(
        algorithm == CudnnConstants.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM
            || !function.isIdentity(),
        "the identity is for one algorithm alone");
    requireValid(tensor(zDesc).equals(problem.y()), "z is not like y");
    TensorShape biases = tensor(biasDesc);
    requireValid(biases.hasExtents(1, problem.w().n(), 1, 1), "the bias is not [1, k, 1, 1]");
    requireLikeTypes(problem.y(), biases);
    Runnable body =
        () -> {
          double[] sums = array(problem.y(), z).scaled(alpha1, sums(problem, x, w, y), alpha2);
          float[] channels = array(biases, bias).read();
          for (int i = 0; i < sums.length; i++) {
            sums[i] = function.of(sums[i] + channels[problem.y().channel(i)]);
          }
          array(problem.y(), y).write(sums);
        };
    convolve(handle, problem, algorithm, new Workspace(workspace, workspaceBytes), body);
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
    ConvolutionProblem problem = problem(BACKWARD_DATA, convolution, dxDesc, wDesc, dyDesc);
    Runnable body = () -> array(problem.x(), dx).write(alpha, sums(problem, dx, w, dy), beta);
    convolve(handle, problem, algorithm, new Workspace(workspace, workspaceBytes), body);
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
    ConvolutionProblem problem = problem(BACKWARD_FILTER, convolution, xDesc, dwDesc, dyDesc);
    Runnable body =
        () -> {
          double[] sums =
              problem.isWinograd(algorithm)
                  ? WinogradFilterGradient.of(
                      problem, array(problem.x(), x).read(), array(problem.y(), dy).read())
                  : sums(problem, x, dw, dy);
          array(problem.w(), dw).write(alpha, sums, beta);
        };
    convolve(handle, problem, algorithm, new Workspace(workspace, workspaceBytes), body);
  }
}
