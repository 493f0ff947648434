package io.github.distillcuda.ffi;

import java.lang.foreign.MemorySegment;

/**
 * The functions of cuDNN 9's legacy API that are used, under their C names; {@code
 * native-notes/cudnn.md} has the table and the constraints.
 *
 * <p>Handles, descriptors and device addresses are plain numbers; 0 stands for NULL. Scaling
 * factors are floats, which C reads through a pointer during the call: {@code y = alpha*op(x) +
 * beta*y}, and with a beta of 0 the old y is not read. What takes a {@code handle} runs in the
 * order of its stream.
 *
 * <p>Every status is checked and thrown as {@link NativeException}, with what cuDNN logged last.
 */
public interface CudnnApi extends CudnnDescriptorApi {
  /** Returns the version as 10000*major + 100*minor + patch. */
  long cudnnGetVersion();

  /** Returns the CUDA that cuDNN was built for, as 1000*major + 10*minor. */
  long cudnnGetCudartVersion();

  /** Creates a handle for the current context; the caller owns it. */
  long cudnnCreate();

  /** Destroys a handle; waits for the device. */
  void cudnnDestroy(long handle);

  /** Sets the stream of the calls to come. */
  void cudnnSetStream(long handle, long stream);

  // ---- Convolution

  /** Returns the bytes of workspace that an algorithm needs. */
  long cudnnGetConvolutionForwardWorkspaceSize(
      long handle, long xDesc, long wDesc, long convolution, long yDesc, int algorithm);

  /** Returns the bytes of workspace that an algorithm needs. */
  long cudnnGetConvolutionBackwardDataWorkspaceSize(
      long handle, long wDesc, long dyDesc, long convolution, long dxDesc, int algorithm);

  /** Returns the bytes of workspace that an algorithm needs. */
  long cudnnGetConvolutionBackwardFilterWorkspaceSize(
      long handle, long xDesc, long dyDesc, long convolution, long dwDesc, int algorithm);

  /**
   * Measures the algorithms on the device, which synchronises and overwrites y.
   *
   * @param results receives a {@link CudnnPerformance} each, fastest first
   * @return how many it received
   */
  int cudnnFindConvolutionForwardAlgorithmEx(
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
      long workspaceBytes);

  /** The same for the gradient of the data; overwrites dx. */
  int cudnnFindConvolutionBackwardDataAlgorithmEx(
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
      long workspaceBytes);

  /** The same for the gradient of the filter; overwrites dw. */
  int cudnnFindConvolutionBackwardFilterAlgorithmEx(
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
      long workspaceBytes);

  /** {@code y = alpha*conv(x, w) + beta*y}. */
  void cudnnConvolutionForward(
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
      long y);

  /** {@code y = activation(alpha1*conv(x, w) + alpha2*z + bias)}. */
  void cudnnConvolutionBiasActivationForward(
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
      long y);

  /** {@code db = alpha * sum of dy over n, h and w + beta*db}. */
  void cudnnConvolutionBackwardBias(
      long handle, float alpha, long dyDesc, long dy, float beta, long dbDesc, long db);

  /** {@code dx = alpha * gradient of the input + beta*dx}. */
  void cudnnConvolutionBackwardData(
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
      long dx);

  /** {@code dw = alpha * gradient of the filters + beta*dw}. */
  void cudnnConvolutionBackwardFilter(
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
      long dw);

  // ---- What stands between convolutions

  /** {@code c = alpha*a + beta*c}; an extent of 1 in a is repeated. */
  void cudnnAddTensor(long handle, float alpha, long aDesc, long a, float beta, long cDesc, long c);

  /** {@code y = alpha*activation(x) + beta*y}; y may be x. */
  void cudnnActivationForward(
      long handle,
      long activation,
      float alpha,
      long xDesc,
      long x,
      float beta,
      long yDesc,
      long y);

  /** {@code dx = alpha * gradient of the activation + beta*dx}; dx may be dy. */
  void cudnnActivationBackward(
      long handle,
      long activation,
      float alpha,
      long yDesc,
      long y,
      long dyDesc,
      long dy,
      long xDesc,
      long x,
      float beta,
      long dxDesc,
      long dx);

  /** {@code y = alpha*pool(x) + beta*y}. */
  void cudnnPoolingForward(
      long handle, long pooling, float alpha, long xDesc, long x, float beta, long yDesc, long y);

  /** {@code dx = alpha * gradient of the pooling + beta*dx}. */
  void cudnnPoolingBackward(
      long handle,
      long pooling,
      float alpha,
      long yDesc,
      long y,
      long dyDesc,
      long dy,
      long xDesc,
      long x,
      float beta,
      long dxDesc,
      long dx);
}
