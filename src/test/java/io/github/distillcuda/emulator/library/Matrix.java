package io.github.distillcuda.emulator.library;

import io.github.distillcuda.emulator.memory.EmulatedMemory;
import io.github.distillcuda.emulator.memory.Region;
import java.util.Arrays;

/**
 * A column-major matrix on the device, whose every byte is checked: element (i, j) lies at {@code
 * j*ld + i}. A tensor is a matrix with a column for each image.
 *
 * @param ld elements from one column to the next
 * @param interleaved how many sequences a column interleaves, which are counted one after the
 *     other: the channels of NHWC; 1 where elements count as they lie
 */
record Matrix(
    EmulatedMemory memory,
    long address,
    ElementType type,
    int rows,
    int columns,
    long ld,
    int interleaved) {

  /** Reads all elements, column by column; throws if one was never written. */
  float[] read() {
    Region region = memory.regionNear(address, 0);
    float[] values = new float[rows * columns];
    int run = run();
    for (int i = 0; i < values.length; i += run) {
      byte[] bytes = region.hostRead(offset(region, i), run * type.bytes());
      System.arraycopy(type.decode(bytes), 0, values, i, run);
    }
    return interleaved == 1 ? values : transposed(values, interleaved, rows / interleaved);
  }

  /**
   * Writes all elements, each rounded to float32 and then to the matrix's type. What lies between
   * the columns stays as it is.
   */
  void write(double[] values) {
    float[] rounded = new float[values.length];
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = (float) values[i];
    }
    if (interleaved > 1) {
      rounded = transposed(rounded, rows / interleaved, interleaved);
    }
    Region region = memory.regionNear(address, 0);
    int run = run();
    for (int i = 0; i < values.length; i += run) {
      region.hostWrite(offset(region, i), type.encode(Arrays.copyOfRange(rounded, i, i + run)));
    }
  }

  /** Writes {@code alpha*values + beta*this}. */
  void write(float alpha, double[] values, float beta) {
    write(scaled(alpha, values, beta));
  }

  /** Returns {@code alpha*values + beta*this}; this is read unless beta is 0. */
  double[] scaled(float alpha, double[] values, float beta) {
    float[] old = beta == 0 ? new float[values.length] : read();
    double[] result = new double[values.length];
    Arrays.setAll(result, i -> alpha * values[i] + (double) beta * old[i]);
    return result;
  }

  /** Returns how many elements lie one after the other. */
  private int run() {
    return ld == rows ? rows * columns : rows;
  }

  /** Returns where the first element of a run lies in its allocation. */
  private int offset(Region region, int element) {
    return Math.toIntExact(address - region.address() + element / rows * ld * type.bytes());
  }

  /** Reads all elements, row by row. */
  float[] readRows() {
    return transposed(read(), rows, columns);
  }

  /** Swaps rows and columns of each of the matrices that follow one another in an array. */
  private static float[] transposed(float[] values, int rows, int columns) {
    float[] result = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      int element = i % (rows * columns);
      result[i - element + element % rows * columns + element / rows] = values[i];
    }
    return result;
  }
}
