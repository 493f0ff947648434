package io.github.distillcuda.cuda.blas;

import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_COMPUTE_32F;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_COMPUTE_32F_PEDANTIC;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_GEMM_DEFAULT;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_OP_N;
import static io.github.distillcuda.ffi.CublasConstants.CUDA_R_16BF;
import static io.github.distillcuda.ffi.CublasConstants.CUDA_R_32F;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.DeviceSpan;

/**
 * The sums of the columns of a row-major [rows, columns] in float32, as a product with ones: what
 * the gradient of a bias is. cuDNN's lacks bfloat16, and takes 23 us for 64 rows of 128 where this
 * takes 2 ({@code native-notes/gpu-runs.md}). Nothing is rounded to TF32. Asynchronous; allocates
 * nothing.
 *
 * @param lane where it runs; x is bfloat16 if its arithmetic multiplies that, else float32
 * @param ones as many ones of the same type as there are rows
 */
public record ColumnSumPlan(ComputeLane lane, int rows, int columns, DeviceSpan ones) {
  /** Makes sure that the handle is there, which no captured call could create. */
  public ColumnSumPlan {
    lane.cublas();
  }

  /** {@code sums = transposed x * ones}; column-major [columns, 1] = x [columns, rows] * [rows]. */
  public void sum(DeviceSpan x, DeviceSpan sums) {
    boolean bfloat16 = lane.math().multipliesBfloat16();
    int element = bfloat16 ? CUDA_R_16BF : CUDA_R_32F;
    lane.engine()
        .cublas()
        .cublasGemmEx(
            lane.cublas(),
            CUBLAS_OP_N,
            CUBLAS_OP_N,
            columns,
            1,
            rows,
            1,
            x.address(),
            element,
            columns,
            ones.address(),
            element,
            rows,
            0,
            sums.address(),
            CUDA_R_32F,
            columns,
            bfloat16 ? CUBLAS_COMPUTE_32F : CUBLAS_COMPUTE_32F_PEDANTIC,
            CUBLAS_GEMM_DEFAULT);
  }
}
