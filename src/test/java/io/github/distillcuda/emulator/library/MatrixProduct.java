package io.github.distillcuda.emulator.library;

import io.github.distillcuda.ffi.CublasConstants;
import java.util.Set;

/**
 * A product of matrices with what an epilogue does next to it: {@code D =
 * epilogue(alpha*op(A)*op(B) + beta*C)}, [m, n] over k. That of cuBLAS has no epilogue, and C is D.
 *
 * @param a [m, k], or [k, m] if it is transposed
 * @param b [k, n], or [n, k] if it is transposed
 * @param tf32 whether it asks for factors rounded to TF32
 * @param epilogue of {@code cublasLtEpilogue_t}
 * @param bias the address of what the epilogue adds or, for BGRADB, of where it writes
 */
record MatrixProduct(
    Matrix a,
    boolean transposesA,
    Matrix b,
    boolean transposesB,
    boolean tf32,
    Matrix c,
    Matrix d,
    int epilogue,
    long bias) {
  /** The epilogues that are emulated. */
  static final Set<Integer> EPILOGUES =
      Set.of(
          CublasConstants.CUBLASLT_EPILOGUE_DEFAULT,
          CublasConstants.CUBLASLT_EPILOGUE_BIAS,
          CublasConstants.CUBLASLT_EPILOGUE_RELU_BIAS,
          CublasConstants.CUBLASLT_EPILOGUE_BGRADB);

  int k() {
    return transposesA ? a.rows() : a.columns();
  }

  /** Whether the inner extents agree, and C and D are what comes of the outer ones. */
  boolean shapesFit() {
    return k() == (transposesB ? b.columns() : b.rows())
        && d.rows() == (transposesA ? a.columns() : a.rows())
        && d.columns() == (transposesB ? b.rows() : b.columns())
        && d.rows() == c.rows()
        && d.columns() == c.columns();
  }

  /** Whether the types go together and with the kind of arithmetic. */
  boolean typesFit() {
    boolean single = a.type() == ElementType.FLOAT32;
    return a.type() == b.type() && c.type() == d.type() && (single ? d.type() == a.type() : !tf32);
  }

  /** Computes it on tensor cores that round factors so, if it asks for them. */
  void run(float alpha, float beta, FactorRounding tensorCores) {
    FactorRounding rounding = tf32 ? tensorCores : FactorRounding.NONE;
    double[] values = c.scaled(alpha, sums(rounding), beta);
    boolean relu = epilogue == CublasConstants.CUBLASLT_EPILOGUE_RELU_BIAS;
    if (relu || epilogue == CublasConstants.CUBLASLT_EPILOGUE_BIAS) {
      float[] biases = vector(d.rows()).read();
      for (int i = 0; i < values.length; i++) { // along the rows of D
        double biased = values[i] + biases[i % biases.length];
        values[i] = biased > 0 || !relu ? biased : 0;
      }
    }
    if (epilogue == CublasConstants.CUBLASLT_EPILOGUE_BGRADB) {
      vector(d.columns()).write(sumsOfB());
    }
    d.write(values);
  }

  /** Returns {@code op(A)*op(B)}, column by column, every sum in float64. */
  private double[] sums(FactorRounding rounding) {
    float[] rowsOfA = rounding.rounded(transposesA ? a.read() : a.readRows());
    float[] columnsOfB = rounding.rounded(transposesB ? b.readRows() : b.read());
    int k = k();
    double[] sums = new double[d.rows() * d.columns()];
    for (int i = 0; i < sums.length; i++) {
      int row = i % d.rows() * k;
      int column = i / d.rows() * k;
      for (int l = 0; l < k; l++) {
        sums[i] += (double) rowsOfA[row + l] * columnsOfB[column + l];
      }
    }
    return sums;
  }

  /** Returns the sums of B over k, which runs along its columns, or along its rows. */
  private double[] sumsOfB() {
    float[] values = b.read();
    double[] sums = new double[d.columns()];
    for (int i = 0; i < values.length; i++) {
      sums[transposesB ? i % b.rows() : i / b.rows()] += values[i];
    }
    return sums;
  }

  /** A bias or its gradient has the type of D. */
  private Matrix vector(int length) {
    return new Matrix(d.memory(), bias, d.type(), length, 1, length, 1);
  }
}
