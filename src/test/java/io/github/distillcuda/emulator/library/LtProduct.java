package io.github.distillcuda.emulator.library;

import io.github.distillcuda.ffi.CublasConstants;
import java.util.Map;

/** Computes a product of cublasLt and what its epilogue does next to it. */
final class LtProduct {
  private final DeviceArrays arrays;
  private final Matrices matrices;
  private final LtProblem problem;
  private final LtMatmul matmul;
  private final ElementType type;
  private final boolean tf32;
  private final int m;
  private final int n;

  /**
   * @param tf32 whether factors are rounded to TF32
   */
  LtProduct(DeviceArrays arrays, LtProblem problem, boolean tf32) {
    this.arrays = arrays;
    this.problem = problem;
    this.tf32 = tf32;
    matrices = new Matrices(arrays);
    // The description may be changed once the product is asked for.
    matmul =
        new LtMatmul(
            problem.matmul().computeType(),
            problem.matmul().scaleType(),
            Map.copyOf(problem.matmul().attributes()));
    type = problem.d().elementType();
    m = (int) problem.m();
    n = (int) problem.n();
  }

  void run(float alpha, long a, long b, float beta, long c, long d) {
    Matrices.Layout left = problem.a().at(a);
    Matrices.Layout right = problem.b().at(b);
    double[] sums =
        matrices.product(
            left,
            matmul.opA() == CublasConstants.CUBLAS_OP_T,
            right,
            matmul.opB() == CublasConstants.CUBLAS_OP_T,
            tf32);
    float[] result = matrices.combine(alpha, sums, beta, problem.c().at(c));
    switch (matmul.epilogue()) {
      case CublasConstants.CUBLASLT_EPILOGUE_BIAS -> addBias(result);
      case CublasConstants.CUBLASLT_EPILOGUE_RELU_BIAS -> {
        addBias(result);
        relu(result);
      }
      case CublasConstants.CUBLASLT_EPILOGUE_RELU_AUX_BIAS -> {
        addBias(result);
        writeMask(result);
        relu(result);
      }
      case CublasConstants.CUBLASLT_EPILOGUE_DRELU -> applyMask(result);
      case CublasConstants.CUBLASLT_EPILOGUE_DRELU_BGRAD -> {
        applyMask(result);
        writeBias(sumsOfRows(result, m, n));
      }
      case CublasConstants.CUBLASLT_EPILOGUE_BGRADA ->
          writeBias(sumsOverK(left, matmul.opA() == CublasConstants.CUBLAS_OP_T));
      case CublasConstants.CUBLASLT_EPILOGUE_BGRADB ->
          writeBias(sumsOverK(right, matmul.opB() == CublasConstants.CUBLAS_OP_N));
      default -> {}
    }
    matrices.write(problem.d().at(d), result);
  }

  private void addBias(float[] result) {
    float[] bias = arrays.read(matmul.bias(), type, m);
    for (int i = 0; i < result.length; i++) {
      result[i] += bias[i % m];
    }
  }

  private static void relu(float[] result) {
    for (int i = 0; i < result.length; i++) {
      result[i] = result[i] > 0 ? result[i] : 0;
    }
  }

  /** A bit an element, of an element's column in its row; set where the ReLU lets it pass. */
  private void writeMask(float[] result) {
    int columnBytes = (int) (matmul.maskLd() / 8);
    byte[] mask = new byte[columnBytes * n];
    for (int i = 0; i < result.length; i++) {
      if (result[i] > 0) {
        int row = i % m;
        mask[i / m * columnBytes + row / 8] |= (byte) (1 << row % 8);
      }
    }
    arrays.writeBytes(matmul.mask(), mask);
  }

  private void applyMask(float[] result) {
    int columnBytes = (int) (matmul.maskLd() / 8);
    byte[] mask = arrays.readBytes(matmul.mask(), columnBytes * n);
    for (int i = 0; i < result.length; i++) {
      int row = i % m;
      if ((mask[i / m * columnBytes + row / 8] >> row % 8 & 1) == 0) {
        result[i] = 0;
      }
    }
  }

  /** Returns the sums over the k of a factor whose other extent runs along its columns, or not. */
  private double[] sumsOverK(Matrices.Layout factor, boolean kRunsAlongColumns) {
    float[] values = matrices.read(factor);
    if (!kRunsAlongColumns) {
      return sumsOfRows(values, factor.rows(), factor.columns());
    }
    double[] sums = new double[factor.columns()];
    for (int i = 0; i < values.length; i++) {
      sums[i / factor.rows()] += values[i];
    }
    return sums;
  }

  private static double[] sumsOfRows(float[] values, int rows, int columns) {
    double[] sums = new double[rows];
    for (int i = 0; i < rows * columns; i++) {
      sums[i % rows] += values[i];
    }
    return sums;
  }

  private void writeBias(double[] sums) {
    float[] bias = new float[sums.length];
    for (int i = 0; i < bias.length; i++) {
      bias[i] = (float) sums[i];
    }
    arrays.write(matmul.bias(), type, bias);
  }
}
