package io.github.distillcuda.emulator.library;

import java.util.Arrays;

/**
 * A column-major matrix on the device: element (i, j) at {@code j*ld + i}. It counts column by
 * column.
 *
 * @param ld elements from one column to the next
 */
record Matrix(DeviceArrays arrays, long address, ElementType type, int rows, int columns, long ld)
    implements DeviceArray {
  @Override
  public float[] read() {
    if (hasNoGaps()) {
      return arrays.read(address, type, rows * columns);
    }
    float[] values = new float[rows * columns];
    for (int j = 0; j < columns; j++) {
      System.arraycopy(arrays.read(column(j), type, rows), 0, values, j * rows, rows);
    }
    return values;
  }

  /** Writes the elements; what lies between its columns stays as it is. */
  @Override
  public void write(float[] values) {
    if (hasNoGaps()) {
      arrays.write(address, type, values);
      return;
    }
    for (int j = 0; j < columns; j++) {
      arrays.write(column(j), type, Arrays.copyOfRange(values, j * rows, (j + 1) * rows));
    }
  }

  private boolean hasNoGaps() {
    return ld == rows || columns == 1;
  }

  private long column(int j) {
    return address + j * ld * type.bytes();
  }

  /**
   * Returns {@code op(A)*op(B)}, [m, n], every sum in float64.
   *
   * @param a [m, k], or [k, m] if it is transposed
   * @param b [k, n], or [n, k] if it is transposed
   * @param tf32 whether the factors are rounded to TF32
   */
  static double[] product(
      Matrix a, boolean transposeA, Matrix b, boolean transposeB, boolean tf32) {
    float[] rowsOfA = transposeA ? a.read() : transposed(a.read(), a.rows, a.columns);
    float[] columnsOfB = transposeB ? transposed(b.read(), b.rows, b.columns) : b.read();
    if (tf32) {
      ElementType.roundToTf32(rowsOfA);
      ElementType.roundToTf32(columnsOfB);
    }
    int k = transposeA ? a.rows : a.columns;
    int m = transposeA ? a.columns : a.rows;
    int n = transposeB ? b.rows : b.columns;
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

  private static float[] transposed(float[] values, int rows, int columns) {
    float[] result = new float[values.length];
    for (int j = 0; j < columns; j++) {
      for (int i = 0; i < rows; i++) {
        result[i * columns + j] = values[j * rows + i];
      }
    }
    return result;
  }
}
