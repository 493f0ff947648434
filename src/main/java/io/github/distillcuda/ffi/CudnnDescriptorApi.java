package io.github.distillcuda.ffi;

/**
 * cuDNN's descriptors, which live in host memory: none of these functions needs a GPU or a handle.
 * Enumerators are in {@link CudnnConstants}. What a {@code create} returns the caller owns.
 */
public interface CudnnDescriptorApi {
  /** Creates a descriptor of a tensor. */
  long cudnnCreateTensorDescriptor();

  /** Describes a packed tensor of [n, c, h, w]. */
  void cudnnSetTensor4dDescriptor(
      long tensor, int format, int dataType, int n, int c, int h, int w);

  /** Destroys a descriptor. */
  void cudnnDestroyTensorDescriptor(long tensor);

  /** Creates a descriptor of filters. */
  long cudnnCreateFilterDescriptor();

  /** Describes filters of [k outputs, c inputs, h, w]. */
  void cudnnSetFilter4dDescriptor(
      long filter, int dataType, int format, int k, int c, int h, int w);

  /** Destroys a descriptor. */
  void cudnnDestroyFilterDescriptor(long filter);

  /** Creates a descriptor of a convolution. */
  long cudnnCreateConvolutionDescriptor();

  /**
   * Describes a convolution of images.
   *
   * @param mode {@link CudnnConstants#CUDNN_CROSS_CORRELATION} is what neural networks call
   *     convolution
   * @param computeType the type of the sums
   */
  void cudnnSetConvolution2dDescriptor(
      long convolution,
      int padHeight,
      int padWidth,
      int strideHeight,
      int strideWidth,
      int dilationHeight,
      int dilationWidth,
      int mode,
      int computeType);

  /** Sets whether tensor cores may be used, and with which loss of precision. */
  void cudnnSetConvolutionMathType(long convolution, int mathType);

  /** Destroys a descriptor. */
  void cudnnDestroyConvolutionDescriptor(long convolution);

  /** Creates a descriptor of a pooling. */
  long cudnnCreatePoolingDescriptor();

  /** Describes a pooling of images. */
  void cudnnSetPooling2dDescriptor(
      long pooling,
      int mode,
      int nanPropagation,
      int windowHeight,
      int windowWidth,
      int padHeight,
      int padWidth,
      int strideHeight,
      int strideWidth);

  /** Destroys a descriptor. */
  void cudnnDestroyPoolingDescriptor(long pooling);

  /** Creates a descriptor of an activation. */
  long cudnnCreateActivationDescriptor();

  /** Describes an activation. */
  void cudnnSetActivationDescriptor(
      long activation, int mode, int nanPropagation, double coefficient);

  /** Destroys a descriptor. */
  void cudnnDestroyActivationDescriptor(long activation);

  /** Returns the shape [n, c, h, w] of a convolution's output. */
  int[] cudnnGetConvolution2dForwardOutputDim(long convolution, long input, long filter);

  /** Returns the shape [n, c, h, w] of a pooling's output. */
  int[] cudnnGetPooling2dForwardOutputDim(long pooling, long input);
}
