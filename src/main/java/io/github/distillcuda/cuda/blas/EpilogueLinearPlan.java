package io.github.distillcuda.cuda.blas;

import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_EPILOGUE_BGRADB;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_EPILOGUE_BIAS;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_EPILOGUE_DEFAULT;
import static io.github.distillcuda.ffi.CublasConstants.CUBLASLT_EPILOGUE_RELU_BIAS;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_OP_N;
import static io.github.distillcuda.ffi.CublasConstants.CUBLAS_OP_T;

import io.github.distillcuda.cuda.ComputeLane;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.DeviceSpan;
import java.util.Optional;

/**
 * The products of a fully connected layer by cublasLt on one lane, with bias, ReLU and the gradient
 * of the bias as their epilogues: x [N, in], w [out, in], y [N, out], all row-major. Each method
 * does the product once and returns it to repeat, or nothing where cublasLt does not have it with
 * its epilogue. What they return is closed with the plan.
 */
public final class EpilogueLinearPlan implements AutoCloseable {
  private final DeviceScope scope = new DeviceScope();
  private final ComputeLane lane;
  private final int rows;
  private final int in;
  private final int out;

  /**
   * Plans nothing yet; the caller closes the plan.
   *
   * @param rows N
   * @param in features of x
   * @param out features of y
   */
  public EpilogueLinearPlan(ComputeLane lane, int rows, int in, int out) {
    this.lane = lane;
    this.rows = rows;
    this.in = in;
    this.out = out;
  }

  /** {@code y = x * transposed w + bias}, and its ReLU. */
  public Optional<LtProduct> forward(
      DeviceSpan x, DeviceSpan w, DeviceSpan bias, DeviceSpan y, boolean relu) {
    return plan(
        new Operand(w, in, out, CUBLAS_OP_T),
        new Operand(x, in, rows, CUBLAS_OP_N),
        new Operand(y, out, rows, CUBLAS_OP_N),
        relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS,
        bias);
  }

  /** {@code dx = dy * w}. */
  public Optional<LtProduct> inputGradient(DeviceSpan w, DeviceSpan dy, DeviceSpan dx) {
    return plan(
        new Operand(w, in, out, CUBLAS_OP_N),
        new Operand(dy, out, rows, CUBLAS_OP_N),
        new Operand(dx, in, rows, CUBLAS_OP_N),
        CUBLASLT_EPILOGUE_DEFAULT,
        null);
  }

  /**
   * {@code dw = transposed dy * x}, and {@code dBias = sum of dy over the rows}.
   *
   * @param dBias null to leave it out
   */
  public Optional<LtProduct> weightGradient(
      DeviceSpan x, DeviceSpan dy, DeviceSpan dw, DeviceSpan dBias) {
    return plan(
        new Operand(x, in, rows, CUBLAS_OP_N),
        new Operand(dy, out, rows, CUBLAS_OP_T),
        new Operand(dw, in, out, CUBLAS_OP_N),
        dBias == null ? CUBLASLT_EPILOGUE_DEFAULT : CUBLASLT_EPILOGUE_BGRADB,
        dBias);
  }

  private Optional<LtProduct> plan(
      Operand left, Operand right, Operand result, int epilogue, DeviceSpan bias) {
    if (lane.engine().cublasLt() == null) {
      return Optional.empty();
    }
    return LtProduct.plan(lane, left, right, result, epilogue, bias).map(scope::own);
  }

  @Override
  public void close() {
    scope.close();
  }
}
