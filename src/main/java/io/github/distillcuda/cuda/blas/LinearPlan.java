package io.github.distillcuda.cuda.blas;

import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_GEMM_DEFAULT;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_OP_N;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_OP_T;
import static io.github.distillcuda.ffi.CublasConstants.CUDA_R_16BF;
import static io.github.distillcuda.ffi.CublasConstants.CUDA_R_32F;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.ffi.CublasApi;

/**
 * The products of a fully connected layer by cuBLAS on one lane: x [N, in], w [out, in], y [N,
 * out], all row-major. Bias and ReLU are the caller's. All calls are asynchronous and allocate
 * nothing.
 *
 * <p>x, w, dy and dx have the type of the lane's operands; y and dw are float32.
 *
 * @param lane where it runs
 * @param rows N
 * @param in features of x
 * @param out features of y
 */
public record LinearPlan(ComputeLane lane, int rows, int in, int out) {
  /** Makes sure that the handle is there, which no captured call could create. */
  public LinearPlan {
    lane.cublas();
  }

  private CublasApi cublas() {
    return lane.engine().cublas();
  }

  /** {@code y = x * transposed w}; column-major y [out, N] = transposed w [in, out] * x [in, N]. */
  public void forward(DeviceSpan x, DeviceSpan w, DeviceSpan y) {
    multiply(
        new Operand(w, in, out, CUBLAS_OP_T),
        new Operand(x, in, rows, CUBLAS_OP_N),
        new Operand(y, out, rows, CUBLAS_OP_N),
        CUDA_R_32F);
  }

  /** {@code dx = dy * w}; column-major dx [in, N] = w [in, out] * dy [out, N]. */
  public void inputGradient(DeviceSpan w, DeviceSpan dy, DeviceSpan dx) {
    multiply(
        new Operand(w, in, out, CUBLAS_OP_N),
        new Operand(dy, out, rows, CUBLAS_OP_N),
        new Operand(dx, in, rows, CUBLAS_OP_N),
        operands());
  }

  /**
   * {@code dw = transposed dy * x}; column-major dw [in, out] = x [in, N] * transposed dy [out, N].
   */
  public void weightGradient(DeviceSpan x, DeviceSpan dy, DeviceSpan dw) {
    multiply(
        new Operand(x, in, rows, CUBLAS_OP_N),
        new Operand(dy, out, rows, CUBLAS_OP_T),
        new Operand(dw, in, out, CUBLAS_OP_N),
        CUDA_R_32F);
  }

  private int operands() {
    return lane.math().multipliesBfloat16() ? CUDA_R_16BF : CUDA_R_32F;
  }

  /** {@code result = op(left) * op(right)}, the factors of the lane's type. */
  private void multiply(Operand left, Operand right, Operand result, int resultType) {
    int m = result.rows();
    int n = result.columns();
    int k = left.operation() == CUBLAS_OP_N ? left.columns() : left.rows();
    if (operands() == CUDA_R_32F) {
      cublas()
          .cublasSgemm_v2(
              lane.cublas(),
              left.operation(),
              right.operation(),
              m,
              n,
              k,
              1,
              left.elements().address(),
              left.rows(),
              right.elements().address(),
              right.rows(),
              0,
              result.elements().address(),
              result.rows());
    } else {
      cublas()
          .cublasGemmEx(
              lane.cublas(),
              left.operation(),
              right.operation(),
              m,
              n,
              k,
              1,
              left.elements().address(),
              operands(),
              left.rows(),
              right.elements().address(),
              operands(),
              right.rows(),
              0,
              result.elements().address(),
              resultType,
              result.rows(),
              lane.math().computeType(),
              CUBLAS_GEMM_DEFAULT);
    }
  }
}
