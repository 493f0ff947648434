package io.github.distillcuda.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** cuDNN's descriptors through either binding, and how its failures read. */
class LinkedCudnnDescriptors implements CudnnDescriptorApi {
  private static final int MESSAGE_BYTES = 1024;

  final CudaFunctions cudnn;

  /**
   * Links the library.
   *
   * @throws UnsatisfiedLinkError naming a function that the library does not export
   */
  LinkedCudnnDescriptors(CudaLinker linker, CudaLatch latch) {
    cudnn =
        new CudaFunctions(
            CudaFunctionTables.CUDNN, linker, latch, LinkedCudnnDescriptors::explainedFailure);
  }

  private static NativeException explainedFailure(CudaFunctions cudnn, String call, int status) {
    return new NativeException(
        call, cudnn.get("cudnnGetErrorString").text(status), status, lastError(cudnn));
  }

  /** What the library wrote of its last failure in this thread, on one line. */
  private static String lastError(CudaFunctions cudnn) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment message = arena.allocate(MESSAGE_BYTES);
      cudnn.get("cudnnGetLastErrorString").run(message, (long) MESSAGE_BYTES);
      return message.getString(0).strip().replaceAll("\\s*\\R\\s*", "; ");
    }
  }

  @Override
  public long cudnnCreateTensorDescriptor() {
    return cudnn.get("cudnnCreateTensorDescriptor").callForLong();
  }

  @Override
  public void cudnnSetTensor4dDescriptor(
      long tensor, int format, int dataType, int n, int c, int h, int w) {
    cudnn.get("cudnnSetTensor4dDescriptor").call(tensor, format, dataType, n, c, h, w);
  }

  @Override
  public void cudnnDestroyTensorDescriptor(long tensor) {
    cudnn.get("cudnnDestroyTensorDescriptor").call(tensor);
  }

  @Override
  public long cudnnCreateFilterDescriptor() {
    return cudnn.get("cudnnCreateFilterDescriptor").callForLong();
  }

  @Override
  public void cudnnSetFilter4dDescriptor(
      long filter, int dataType, int format, int k, int c, int h, int w) {
    cudnn.get("cudnnSetFilter4dDescriptor").call(filter, dataType, format, k, c, h, w);
  }

  @Override
  public void cudnnDestroyFilterDescriptor(long filter) {
    cudnn.get("cudnnDestroyFilterDescriptor").call(filter);
  }

  @Override
  public long cudnnCreateConvolutionDescriptor() {
    return cudnn.get("cudnnCreateConvolutionDescriptor").callForLong();
  }

  @Override
  public void cudnnSetConvolution2dDescriptor(
      long convolution,
      int padHeight,
      int padWidth,
      int strideHeight,
      int strideWidth,
      int dilationHeight,
      int dilationWidth,
      int mode,
      int computeType) {
    cudnn
        .get("cudnnSetConvolution2dDescriptor")
        .call(
            convolution,
            padHeight,
            padWidth,
            strideHeight,
            strideWidth,
            dilationHeight,
            dilationWidth,
            mode,
            computeType);
  }

  @Override
  public void cudnnSetConvolutionMathType(long convolution, int mathType) {
    cudnn.get("cudnnSetConvolutionMathType").call(convolution, mathType);
  }

  @Override
  public void cudnnDestroyConvolutionDescriptor(long convolution) {
    cudnn.get("cudnnDestroyConvolutionDescriptor").call(convolution);
  }

  @Override
  public long cudnnCreatePoolingDescriptor() {
    return cudnn.get("cudnnCreatePoolingDescriptor").callForLong();
  }

  @Override
  public void cudnnSetPooling2dDescriptor(
      long pooling,
      int mode,
      int nanPropagation,
      int windowHeight,
      int windowWidth,
      int padHeight,
      int padWidth,
      int strideHeight,
      int strideWidth) {
    cudnn
        .get("cudnnSetPooling2dDescriptor")
        .call(
            pooling,
            mode,
            nanPropagation,
            windowHeight,
            windowWidth,
            padHeight,
            padWidth,
            strideHeight,
            strideWidth);
  }

  @Override
  public void cudnnDestroyPoolingDescriptor(long pooling) {
    cudnn.get("cudnnDestroyPoolingDescriptor").call(pooling);
  }

  @Override
  public long cudnnCreateActivationDescriptor() {
    return cudnn.get("cudnnCreateActivationDescriptor").callForLong();
  }

  @Override
  public void cudnnSetActivationDescriptor(
      long activation, int mode, int nanPropagation, double coefficient) {
    cudnn.get("cudnnSetActivationDescriptor").call(activation, mode, nanPropagation, coefficient);
  }

  @Override
  public void cudnnDestroyActivationDescriptor(long activation) {
    cudnn.get("cudnnDestroyActivationDescriptor").call(activation);
  }

  @Override
  public int[] cudnnGetConvolution2dForwardOutputDim(long convolution, long input, long filter) {
    return cudnn
        .get("cudnnGetConvolution2dForwardOutputDim")
        .callForInts(convolution, input, filter);
  }

  @Override
  public int[] cudnnGetPooling2dForwardOutputDim(long pooling, long input) {
    return cudnn.get("cudnnGetPooling2dForwardOutputDim").callForInts(pooling, input);
  }
}
