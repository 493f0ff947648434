package io.github.distillcuda.cuda.blas;

import io.github.distillcuda.cuda.DeviceSpan;

/**
 * A column-major matrix that a product reads or writes.
 *
 * @param elements where it lies; the caller owns it
 * @param rows as stored
 * @param columns as stored
 * @param operation {@code CUBLAS_OP_N}, or {@code CUBLAS_OP_T} to transpose it in the product
 */
record Operand(DeviceSpan elements, int rows, int columns, int operation) {}
