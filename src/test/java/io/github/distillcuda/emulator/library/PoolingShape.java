package io.github.distillcuda.emulator.library;

/**
 * What a cuDNN descriptor says of a pooling.
 *
 * @param mode of {@code cudnnPoolingMode_t}
 * @param nanPropagation of {@code cudnnNanPropagation_t}
 */
record PoolingShape(
    int mode,
    int nanPropagation,
    int windowHeight,
    int windowWidth,
    WindowAxis rows,
    WindowAxis columns) {}
