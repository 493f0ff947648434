package io.github.distillcuda.backend;

/**
 * One row of logits for each image of a data set, by image id, on the device: the cache of a
 * teacher's logits, and what an evaluation leaves behind. Owned by its backend.
 */
public interface LogitsTable {
  /** Returns the number of rows. */
  int rows();

  /** Returns the number of classes. */
  int classes();

  /** Copies all rows to the host, row-major; {@code rows * classes} elements. */
  void read(float[] destination);

  /** Overwrites all rows from the host: with logits that were computed elsewhere, and in tests. */
  void write(float[] source);
}
