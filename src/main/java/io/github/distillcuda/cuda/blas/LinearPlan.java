package io.github.distillcuda.cuda.blas;

import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_OP_N;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_OP_T;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.DeviceSpan;
import io.github.distillcuda.ffi.CublasApi;

/**
 * The products of a fully connected layer by cuBLAS on one lane: x [N, in], w [out, in], y [N,
 * out], all row-major. Bias and ReLU are the caller's. All calls are asynchronous and allocate
 * nothing.
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
    cublas()
        .cublasSgemm_v2(
            lane.cublas(),
            CUBLAS_OP_T,
            CUBLAS_OP_N,
            out,
            rows,
            in,
            1,
            w.address(),
            in,
            x.address(),
            in,
            0,
            y.address(),
            out);
  }

  /** {@code dx = dy * w}; column-major dx [in, N] = w [in, out] * dy [out, N]. */
  public void dataGradient(DeviceSpan w, DeviceSpan dy, DeviceSpan dx) {
    cublas()
        .cublasSgemm_v2(
            lane.cublas(),
            CUBLAS_OP_N,
            CUBLAS_OP_N,
            in,
            rows,
            out,
            1,
            w.address(),
            in,
            dy.address(),
            out,
            0,
            dx.address(),
            in);
  }

  /**
   * {@code dw = transposed dy * x}; column-major dw [in, out] = x [in, N] * transposed dy [out, N].
   */
  public void weightGradient(DeviceSpan x, DeviceSpan dy, DeviceSpan dw) {
    cublas()
        .cublasSgemm_v2(
            lane.cublas(),
            CUBLAS_OP_N,
            CUBLAS_OP_T,
            in,
            out,
            rows,
            1,
            x.address(),
            in,
            dy.address(),
            out,
            0,
            dw.address(),
            in);
  }
}
