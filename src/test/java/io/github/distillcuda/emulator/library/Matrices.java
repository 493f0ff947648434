package io.github.distillcuda.emulator.library;

/** Column-major matrices on the device: element (i, j) at {@code j*ld + i}. */
final class Matrices {
  /**
   * A matrix as it lies there.
   *
   * @param ld elements from one column to the next
   */
  record Layout(long address, ElementType type, int rows, int columns, long ld) {}

  private final DeviceArrays arrays;

  Matrices(DeviceArrays arrays) {
    this.arrays = arrays;
  }

  /** Reads a matrix into an array without gaps, column by column. */
  float[] read(Layout matrix) {
    if (matrix.ld() == matrix.rows() || matrix.columns() == 1) {
      return arrays.read(matrix.address(), matrix.type(), matrix.rows() * matrix.columns());
    }
    float[] values = new float[matrix.rows() * matrix.columns()];
    for (int j = 0; j < matrix.columns(); j++) {
      float[] column = arrays.read(column(matrix, j), matrix.type(), matrix.rows());
      System.arraycopy(column, 0, values, j * matrix.rows(), matrix.rows());
    }
    return values;
  }

  /** Writes a matrix; what lies between its columns stays as it is. */
  void write(Layout matrix, float[] values) {
    if (matrix.ld() == matrix.rows() || matrix.columns() == 1) {
      arrays.write(matrix.address(), matrix.type(), values);
      return;
    }
    for (int j = 0; j < matrix.columns(); j++) {
      float[] column = new float[matrix.rows()];
      System.arraycopy(values, j * matrix.rows(), column, 0, matrix.rows());
      arrays.write(column(matrix, j), matrix.type(), column);
    }
  }

  private static long column(Layout matrix, int j) {
    return matrix.address() + j * matrix.ld() * matrix.type().bytes();
  }

  /**
   * Returns {@code op(A)*op(B)}, [m, n] column-major, every sum in float64.
   *
   * @param a [m, k], or [k, m] if it is transposed
   * @param b [k, n], or [n, k] if it is transposed
   * @param tf32 whether the factors are rounded to TF32
   */
  double[] product(Layout a, boolean transposeA, Layout b, boolean transposeB, boolean tf32) {
    float[] rowsOfA = read(a);
    float[] columnsOfB = read(b);
    if (!transposeA) {
      rowsOfA = transposed(rowsOfA, a.rows(), a.columns());
    }
    if (transposeB) {
      columnsOfB = transposed(columnsOfB, b.rows(), b.columns());
    }
    if (tf32) {
      round(rowsOfA);
      round(columnsOfB);
    }
    int k = transposeA ? a.rows() : a.columns();
    int m = transposeA ? a.columns() : a.rows();
    int n = transposeB ? b.rows() : b.columns();
    double[] sums = new double[m * n];
    for (int j = 0; j < n; j++) {
      for (int i = 0; i < m; i++) {
        double sum = 0;
        for (int l = 0; l < k; l++) {
          sum += (double) rowsOfA[i * k + l] * columnsOfB[j * k + l];
        }
        sums[j * m + i] = sum;
      }
    }
    return sums;
  }

  /** Returns {@code alpha*sums + beta*C} in float32; C is read only where beta is not 0. */
  float[] combine(float alpha, double[] sums, float beta, Layout c) {
    float[] old = beta == 0 ? null : read(c);
    float[] result = new float[sums.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = (float) (alpha * sums[i] + (old == null ? 0 : (double) beta * old[i]));
    }
    return result;
  }

  private static float[] transposed(float[] values, int rows, int columns) {
    float[] result = new float[values.length];
    for (int j = 0; j < columns; j++) {
      for (int i = 0; i < rows; i++) {
        result[i * columns + j] = values[j * rows + i];
      }
    }
    return result;
  }

  private static void round(float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = ElementType.toTf32(values[i]);
    }
  }
}
