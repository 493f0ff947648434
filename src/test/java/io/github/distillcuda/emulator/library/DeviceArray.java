package io.github.distillcuda.emulator.library;

/** A tensor or matrix at an address: its elements in the order in which libraries count them. */
interface DeviceArray {
  /** Reads all elements; throws if one was never written. */
  float[] read();

  /** Writes all elements, each rounded to the array's type. */
  void write(float[] values);

  /** Writes all elements, each rounded to float32 and then to the array's type. */
  default void write(double[] values) {
    float[] rounded = new float[values.length];
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = (float) values[i];
    }
    write(rounded);
  }

  /** Returns {@code alpha*values + beta*this}; this is read unless beta is 0. */
  default double[] scaled(float alpha, double[] values, float beta) {
    float[] old = beta == 0 ? null : read();
    double[] result = new double[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = alpha * values[i] + (old == null ? 0 : (double) beta * old[i]);
    }
    return result;
  }

  /** Writes {@code alpha*values + beta*this}. */
  default void write(float alpha, double[] values, float beta) {
    write(scaled(alpha, values, beta));
  }
}
