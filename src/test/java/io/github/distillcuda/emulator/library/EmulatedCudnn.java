package io.github.distillcuda.emulator.library;

import static io.github.distillcuda.emulator.library.ConvolutionProblem.Direction.BACKWARD_DATA;
import static io.github.distillcuda.emulator.library.ConvolutionProblem.Direction.BACKWARD_FILTER;
import static io.github.distillcuda.emulator.library.ConvolutionProblem.Direction.FORWARD;
import static io.github.distillcuda.emulator.library.FactorRounding.NONE;
import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_CROSS_CORRELATION;
import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_DATA_FLOAT;
import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_DETERMINISTIC;
import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_FMA_MATH;
import static io.github.distillcuda.ffi.CudnnConstants.CUDNN_STATUS_NOT_SUPPORTED;
import static io.github.distillcuda.ffi.CudnnPerformance.BYTES;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.distillcuda.emulator.device.EmulatedDevice;
import io.github.distillcuda.emulator.library.ConvolutionProblem.Convolution;
import io.github.distillcuda.emulator.library.ConvolutionProblem.Direction;
import io.github.distillcuda.ffi.CudnnApi;
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
      Direction direction, long conv, long xDesc, long wDesc, long yDesc) {
    Convolution shape = convolution(conv);
    TensorShape x = tensor(xDesc);
    TensorShape w = filter(wDesc);
    TensorShape y = tensor(yDesc);
    requireValid(y.hasExtents(outputOf(shape, x, w)), "y has not the extents that x and w lead to");
    requireLikeTypes(x, w, y);
    emulated(x.format() == w.format() && x.format() == y.format(), () -> "different formats");
    emulated(
        shape.mode() == CUDNN_CROSS_CORRELATION && shape.computeType() == CUDNN_DATA_FLOAT,
        () -> "this mode or type of sums");
    return new ConvolutionProblem(direction, shape, mathType(conv), x, w, y);
  }

  // ---- Workspaces

  /** Returns what an algorithm needs. */
  private long workspace(long handle, ConvolutionProblem problem, int algorithm) {
    stream(handle);
    boolean winograd = problem.isWinograd(algorithm);
    emulated(winograd || algorithm == 0 || algorithm == 1, () -> "algorithm " + algorithm);
    requireSupported(
        problem.isSupported(algorithm), "Winograd is for 3x3 filters of stride 1 in NCHW");
    return problem.workspaceBytes(algorithm);
  }

  @Override
  public long cudnnGetConvolutionForwardWorkspaceSize(
      long handle, long xDesc, long wDesc, long conv, long yDesc, int algorithm) {
    return workspace(handle, problem(FORWARD, conv, xDesc, wDesc, yDesc), algorithm);
  }

  @Override
  public long cudnnGetConvolutionBackwardDataWorkspaceSize(
      long handle, long wDesc, long dyDesc, long conv, long dxDesc, int algorithm) {
    return workspace(handle, problem(BACKWARD_DATA, conv, dxDesc, wDesc, dyDesc), algorithm);
  }

  @Override
  public long cudnnGetConvolutionBackwardFilterWorkspaceSize(
      long handle, long xDesc, long dyDesc, long conv, long dwDesc, int algorithm) {
    return workspace(handle, problem(BACKWARD_FILTER, conv, xDesc, dwDesc, dyDesc), algorithm);
  }

  // ---- Measuring

  @Override
  public int cudnnFindConvolutionForwardAlgorithmEx(
      long handle,
      long xDesc,
      long x,
      long wDesc,
      long w,
      long conv,
      long yDesc,
      long y,
      MemorySegment results,
      long workspace,
      long workspaceBytes) {
    ConvolutionProblem problem = problem(FORWARD, conv, xDesc, wDesc, yDesc);
    return find(handle, problem, y, results, new Workspace(workspace, workspaceBytes));
  }

  @Override
  public int cudnnFindConvolutionBackwardDataAlgorithmEx(
      long handle,
      long wDesc,
      long w,
      long dyDesc,
      long dy,
      long conv,
      long dxDesc,
      long dx,
      MemorySegment results,
      long workspace,
      long workspaceBytes) {
    ConvolutionProblem problem = problem(BACKWARD_DATA, conv, dxDesc, wDesc, dyDesc);
    return find(handle, problem, dx, results, new Workspace(workspace, workspaceBytes));
  }

  @Override
  public int cudnnFindConvolutionBackwardFilterAlgorithmEx(
      long handle,
      long xDesc,
      long x,
      long dyDesc,
      long dy,
      long conv,
      long dwDesc,
      long dw,
      MemorySegment results,
      long workspace,
      long workspaceBytes) {
    ConvolutionProblem problem = problem(BACKWARD_FILTER, conv, xDesc, dwDesc, dyDesc);
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
      int needed = Math.toIntExact(runs ? workspace(handle, problem, algorithm) : 0);
      if (needed <= workspace.bytes() && (found + 1) * BYTES <= results.byteSize()) {
        int status = runs ? 0 : CUDNN_STATUS_NOT_SUPPORTED;
        int time = Float.floatToRawIntBits(runs ? 0.01f * (found + 1) : -1);
        boolean repeats = algorithm == 1 || runs && problem.direction() == FORWARD;
        int same = repeats ? CUDNN_DETERMINISTIC : 0;
        int[] words = {algorithm, status, time, 0, needed, 0, same, problem.mathType()};
        MemorySegment.copy(words, 0, results, JAVA_INT, found++ * BYTES, words.length);
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

  /** Returns what a problem computes of two of these three; the third is its result. */
  private double[] sums(ConvolutionProblem problem, long x, long w, long y) {
    Direction direction = problem.direction();
    return problem.sums(
        direction == BACKWARD_DATA ? null : factor(problem, problem.x(), x),
        direction == BACKWARD_FILTER ? null : factor(problem, problem.w(), w),
        direction == FORWARD ? null : factor(problem, problem.y(), y));
  }

  /** Reads a factor, rounded where tensor cores may take it: always but with FMA. */
  private float[] factor(ConvolutionProblem problem, TensorShape shape, long address) {
    FactorRounding rounding = problem.mathType() == CUDNN_FMA_MATH ? NONE : tensorCores();
    return rounding.rounded(array(shape, address).read());
  }

  @Override
  public void cudnnConvolutionForward(
      long handle,
      float alpha,
      long xDesc,
      long x,
      long wDesc,
      long w,
      long conv,
      int algorithm,
      long workspace,
      long workspaceBytes,
      float beta,
      long yDesc,
      long y) {
    ConvolutionProblem problem = problem(FORWARD, conv, xDesc, wDesc, yDesc);
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
      long conv,
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
    ConvolutionProblem problem = problem(FORWARD, conv, xDesc, wDesc, yDesc);
    Activation function = activation(activation);
    requireSupported(
        algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM || !function.isIdentity(),
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
    requireSupported(gradient.dataType() == CUDNN_DATA_FLOAT, "this is for float32 alone");
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
      long conv,
      int algorithm,
      long workspace,
      long workspaceBytes,
      float beta,
      long dxDesc,
      long dx) {
    ConvolutionProblem problem = problem(BACKWARD_DATA, conv, dxDesc, wDesc, dyDesc);
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
      long conv,
      int algorithm,
      long workspace,
      long workspaceBytes,
      float beta,
      long dwDesc,
      long dw) {
    ConvolutionProblem problem = problem(BACKWARD_FILTER, conv, xDesc, dwDesc, dyDesc);
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
