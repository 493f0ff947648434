package io.github.distillcuda.emulator.library;

/**
 * What a cuDNN descriptor says of a convolution.
 *
 * @param mode of {@code cudnnConvolutionMode_t}
 * @param computeType of {@code cudnnDataType_t}: the type of the sums
 */
record ConvolutionShape(WindowAxis rows, WindowAxis columns, int mode, int computeType) {}
