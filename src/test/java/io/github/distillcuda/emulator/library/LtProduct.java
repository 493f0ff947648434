package io.github.distillcuda.emulator.library;

import io.github.distillcuda.ffi.CublasConstants;
import java.util.Optional;

/**
 * A product of cublasLt with what its epilogue does next to it: {@code D =
 * epilogue(alpha*op(A)*op(B) + beta*C)}.
 */
record LtProduct(
    LtMatmul matmul, LtEpilogue epilogue, LtLayout a, LtLayout b, LtLayout c, LtLayout d) {
  private static final long MASK_LD_MULTIPLE = 128;

  long m() {
    return matmul.transposesA() ? a.columns() : a.rows();
  }

  long k() {
    return matmul.transposesA() ? a.rows() : a.columns();
  }

  private boolean usesBias() {
    return epilogue.bias() != LtEpilogue.Bias.NONE;
  }

  private boolean usesMask() {
    return epilogue.mask() != LtEpilogue.Mask.NONE;
  }

  boolean hasPointers() {
    return (!usesBias() || matmul.bias() != 0) && (!usesMask() || matmul.mask() != 0);
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
    if (usesMask() && (matmul.maskLd() % MASK_LD_MULTIPLE != 0 || matmul.maskLd() < m())) {
      return Optional.of("the mask's leading dimension " + matmul.maskLd());
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
    // The bias runs along the rows of D; its gradient lies where it does, and has D's type.
    int biases = epilogue.bias() == LtEpilogue.Bias.SUM_OF_B ? result.columns() : result.rows();
    Matrix bias = new Matrix(arrays, matmul.bias(), result.type(), biases, 1, biases);
    if (epilogue.bias() == LtEpilogue.Bias.ADDED) {
      addBias(values, bias.read());
    }
    if (usesMask()) {
      mask(values, arrays, result);
    }
    if (epilogue.relu()) {
      relu(values);
    }
    switch (epilogue.bias()) {
      case SUM_OF_D -> bias.write(sumsOfRows(values, result.rows()));
      case SUM_OF_A -> bias.write(sums(left, !matmul.transposesA()));
      case SUM_OF_B -> bias.write(sums(right, matmul.transposesB()));
      case NONE, ADDED -> {}
    }
    result.write(values);
  }

  private static void addBias(double[] values, float[] bias) {
    for (int i = 0; i < values.length; i++) {
      values[i] += bias[i % bias.length];
    }
  }

  private static void relu(double[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = values[i] > 0 ? values[i] : 0;
    }
  }

  /** Writes or applies the bits of D's elements, which lie in columns as those do. */
  private void mask(double[] values, DeviceArrays arrays, Matrix result) {
    int columnBytes = (int) (matmul.maskLd() / 8);
    int length = columnBytes * result.columns();
    boolean applied = epilogue.mask() == LtEpilogue.Mask.APPLIED;
    byte[] mask = applied ? arrays.readBytes(matmul.mask(), length) : new byte[length];
    for (int i = 0; i < values.length; i++) {
      int row = i % result.rows();
      int position = i / result.rows() * columnBytes + row / 8;
      int bit = 1 << row % 8;
      if (!applied) {
        mask[position] |= (byte) (values[i] > 0 ? bit : 0);
      } else if ((mask[position] & bit) == 0) {
        values[i] = 0;
      }
    }
    if (!applied) {
      arrays.writeBytes(matmul.mask(), mask);
    }
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

  private static double[] sumsOfRows(double[] values, int rows) {
    double[] sums = new double[rows];
    for (int i = 0; i < values.length; i++) {
      sums[i % rows] += values[i];
    }
    return sums;
  }
}
