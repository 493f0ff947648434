package io.github.distillcuda.emulator.library;

import io.github.distillcuda.ffi.CublasConstants;
import java.util.Optional;

/**
 * A product of cublasLt with what its epilogue does next to it: {@code D =
 * epilogue(alpha*op(A)*op(B) + beta*C)}.
 */
record LtProduct(
    LtMatmul matmul, LtEpilogue epilogue, LtLayout a, LtLayout b, LtLayout c, LtLayout d) {
  long m() {
    return matmul.transposesA() ? a.columns() : a.rows();
  }

  long k() {
    return matmul.transposesA() ? a.rows() : a.columns();
  }

  boolean hasBias() {
    return epilogue == LtEpilogue.DEFAULT || matmul.bias() != 0;
  }

  /** Returns what does not fit together. */
  Optional<String> mismatch() {
    if (!a.isPossible() || !b.isPossible() || !c.isPossible() || !d.isPossible()) {
      return Optional.of("rows, columns or a leading dimension");
    }
    long otherK = matmul.transposesB() ? b.columns() : b.rows();
    long n = matmul.transposesB() ? b.rows() : b.columns();
    if (otherK != k() || d.rows() != m() || d.columns() != n) {
      return Optional.of("the shapes");
    }
    if (c.rows() != d.rows() || c.columns() != d.columns() || c.type() != d.type()) {
      return Optional.of("C is not like D");
    }
    boolean single = a.type() == CublasConstants.CUDA_R_32F;
    if (a.type() != b.type() || single && d.type() != a.type() || matmul.tf32() && !single) {
      return Optional.of("the types");
    }
    return Optional.empty();
  }

  /**
   * Computes the product.
   *
   * @param tf32 whether factors are rounded to TF32
   */
  void run(
      DeviceArrays arrays,
      boolean tf32,
      float alpha,
      Matrix left,
      Matrix right,
      float beta,
      Matrix old,
      Matrix result) {
    double[] values =
        old.scaled(
            alpha,
            Matrix.product(left, matmul.transposesA(), right, matmul.transposesB(), tf32),
            beta);
    if (epilogue.addsBias()) { // along the rows of D
      float[] bias = bias(arrays, result.rows()).read();
      for (int i = 0; i < values.length; i++) {
        values[i] += bias[i % bias.length];
      }
    }
    if (epilogue == LtEpilogue.RELU_BIAS) {
      for (int i = 0; i < values.length; i++) {
        values[i] = values[i] > 0 ? values[i] : 0;
      }
    }
    if (epilogue == LtEpilogue.BGRADB) {
      bias(arrays, result.columns()).write(sums(right, matmul.transposesB()));
    }
    result.write(values);
  }

  /** A bias or its gradient has the type of D. */
  private Matrix bias(DeviceArrays arrays, int length) {
    ElementType type = ElementType.ofCuda(d.type()).orElseThrow();
    return new Matrix(arrays, matmul.bias(), type, length, 1, length);
  }

  /** Returns the sums of a factor over k, which runs along its rows or along its columns. */
  private static double[] sums(Matrix factor, boolean ofRows) {
    float[] values = factor.read();
    double[] sums = new double[ofRows ? factor.rows() : factor.columns()];
    for (int i = 0; i < values.length; i++) {
      sums[ofRows ? i % factor.rows() : i / factor.rows()] += values[i];
    }
    return sums;
  }
}
