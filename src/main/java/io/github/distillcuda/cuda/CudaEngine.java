package io.github.distillcuda.cuda;

import io.github.distillcuda.ffi.CublasApi;
import io.github.distillcuda.ffi.CublasLtApi;
import io.github.distillcuda.ffi.CudaDriverApi;
import io.github.distillcuda.ffi.CudnnApi;

/**
 * The four libraries that a program computes with, however they are reached. All pass the same
 * latch, the driver's.
 *
 * @param name how they are reached: {@code panama} or {@code jcuda}
 * @param driver the driver, initialised
 * @param cudnn cuDNN 9
 * @param cublas cuBLAS
 * @param cublasLt cublasLt; null where it is not reached, and plain cuBLAS takes its place
 */
public record CudaEngine(
    String name, CudaDriverApi driver, CudnnApi cudnn, CublasApi cublas, CublasLtApi cublasLt) {}
