package io.github.distillcuda.ffi;

import java.lang.foreign.MemorySegment;

/** cuDNN through either binding. All functions are linked when it is created. */
final class LinkedCudnn extends LinkedCudnnDescriptors implements CudnnApi {
  /**
   * Links the library.
   *
   * @throws UnsatisfiedLinkError naming a function that the library does not export
   */
  LinkedCudnn(CudaLinker linker, CudaLatch latch) {
    super(linker, latch);
  }

  @Override
  public long cudnnGetVersion() {
    return cudnn.get("cudnnGetVersion").size();
  }

  @Override
  public long cudnnGetCudartVersion() {
    return cudnn.get("cudnnGetCudartVersion").size();
  }

  @Override
  public long cudnnCreate() {
    return cudnn.get("cudnnCreate").callForLong();
  }

  @Override
  public void cudnnDestroy(long handle) {
    cudnn.get("cudnnDestroy").call(handle);
  }

  @Override
  public void cudnnSetStream(long handle, long stream) {
    cudnn.get("cudnnSetStream").call(handle, stream);
  }

  @Override
  public long cudnnGetConvolutionForwardWorkspaceSize(
      long handle, long xDesc, long wDesc, long convolution, long yDesc, int algorithm) {
    return cudnn
        .get("cudnnGetConvolutionForwardWorkspaceSize")
        .callForLong(handle, xDesc, wDesc, convolution, yDesc, algorithm);
  }

  @Override
  public long cudnnGetConvolutionBackwardDataWorkspaceSize(
      long handle, long wDesc, long dyDesc, long convolution, long dxDesc, int algorithm) {
    return cudnn
        .get("cudnnGetConvolutionBackwardDataWorkspaceSize")
        .callForLong(handle, wDesc, dyDesc, convolution, dxDesc, algorithm);
  }

  @Override
  public long cudnnGetConvolutionBackwardFilterWorkspaceSize(
      long handle, long xDesc, long dyDesc, long convolution, long dwDesc, int algorithm) {
    return cudnn
        .get("cudnnGetConvolutionBackwardFilterWorkspaceSize")
        .callForLong(handle, xDesc, dyDesc, convolution, dwDesc, algorithm);
  }

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
    return cudnn
        .get("cudnnFindConvolutionForwardAlgorithmEx")
        .callForInt(
            handle,
            xDesc,
            x,
            wDesc,
            w,
            convolution,
            yDesc,
            y,
            requested(results),
            results,
            workspace,
            workspaceBytes);
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
    return cudnn
        .get("cudnnFindConvolutionBackwardDataAlgorithmEx")
        .callForInt(
            handle,
            wDesc,
            w,
            dyDesc,
            dy,
            convolution,
            dxDesc,
            dx,
            requested(results),
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
    return cudnn
        .get("cudnnFindConvolutionBackwardFilterAlgorithmEx")
        .callForInt(
            handle,
            xDesc,
            x,
            dyDesc,
            dy,
            convolution,
            dwDesc,
            dw,
            requested(results),
            results,
            workspace,
            workspaceBytes);
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
    cudnn
        .get("cudnnConvolutionForward")
        .call(
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
    cudnn
        .get("cudnnConvolutionBiasActivationForward")
        .call(
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
  }

  @Override
  public void cudnnConvolutionBackwardBias(
      long handle, float alpha, long dyDesc, long dy, float beta, long dbDesc, long db) {
    cudnn.get("cudnnConvolutionBackwardBias").call(handle, alpha, dyDesc, dy, beta, dbDesc, db);
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
    cudnn
        .get("cudnnConvolutionBackwardData")
        .call(
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
    cudnn
        .get("cudnnConvolutionBackwardFilter")
        .call(
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
  }

  @Override
  public void cudnnAddTensor(
      long handle, float alpha, long aDesc, long a, float beta, long cDesc, long c) {
    cudnn.get("cudnnAddTensor").call(handle, alpha, aDesc, a, beta, cDesc, c);
  }

  @Override
  public void cudnnActivationForward(
      long handle,
      long activation,
      float alpha,
      long xDesc,
      long x,
      float beta,
      long yDesc,
      long y) {
    cudnn.get("cudnnActivationForward").call(handle, activation, alpha, xDesc, x, beta, yDesc, y);
  }

  @Override
  public void cudnnActivationBackward(
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
      long dx) {
    cudnn
        .get("cudnnActivationBackward")
        .call(handle, activation, alpha, yDesc, y, dyDesc, dy, xDesc, x, beta, dxDesc, dx);
  }

  @Override
  public void cudnnPoolingForward(
      long handle, long pooling, float alpha, long xDesc, long x, float beta, long yDesc, long y) {
    cudnn.get("cudnnPoolingForward").call(handle, pooling, alpha, xDesc, x, beta, yDesc, y);
  }

  @Override
  public void cudnnPoolingBackward(
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
      long dx) {
    cudnn
        .get("cudnnPoolingBackward")
        .call(handle, pooling, alpha, yDesc, y, dyDesc, dy, xDesc, x, beta, dxDesc, dx);
  }

  private static int requested(MemorySegment results) {
    return Math.toIntExact(results.byteSize() / CudnnPerformance.BYTES);
  }
}
