package io.github.distillcuda.cuda.blas;

import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_GEMM_DEFAULT;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_OP_N;
import static io.github.distillcuda.ffi.CublasConstants.CUDA_R_16BF;
import static io.github.distillcuda.ffi.CublasConstants.CUDA_R_32F;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.DeviceSpan;

/**
 * The sums of the columns of a row-major bfloat16 [rows, columns] in float32, as a product with
 * ones: what the gradient of a bias is, and cuDNN lacks in bfloat16. Asynchronous; allocates
 * nothing.
 *
 * @param lane where it runs
 * @param ones as many ones, bfloat16, as there are rows
 */
public record ColumnSumPlan(ComputeLane lane, int rows, int columns, DeviceSpan ones) {
  /** Makes sure that the handle is there, which no captured call could create. */
  public ColumnSumPlan {
    lane.cublas();
  }

  /** {@code sums = transposed x * ones}; column-major [columns, 1] = x [columns, rows] * [rows]. */
  public void sum(DeviceSpan x, DeviceSpan sums) {
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
            CUDA_R_16BF,
            columns,
            ones.address(),
            CUDA_R_16BF,
            rows,
            0,
            sums.address(),
            CUDA_R_32F,
            columns,
            lane.math().computeType(),
            CUBLAS_GEMM_DEFAULT);
  }
}
