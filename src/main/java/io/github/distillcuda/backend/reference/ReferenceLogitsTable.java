package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.Lifetime;
import io.github.distillcuda.backend.LogitsTable;

/** Logits by image id, kept in float64 so that cached and recomputed teachers agree to the bit. */
final class ReferenceLogitsTable extends Owned implements LogitsTable {
  private final int rows;
  private final int classes;
  private final double[] logits;

  ReferenceLogitsTable(Lifetime lifetime, int rows, int classes) {
    super(lifetime);
    if (rows < 1 || classes < 1) {
      throw new IllegalArgumentException(
          "a table of %d rows and %d classes".formatted(rows, classes));
    }
    this.rows = rows;
    this.classes = classes;
    this.logits = new double[Math.multiplyExact(rows, classes)];
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int classes() {
    return classes;
  }

  @Override
  public void read(float[] destination) {
    checkTransfer(destination.length);
    for (int i = 0; i < logits.length; i++) {
      destination[i] = (float) logits[i];
    }
  }

  @Override
  public void write(float[] source) {
    checkTransfer(source.length);
    for (int i = 0; i < logits.length; i++) {
      logits[i] = source[i];
    }
  }

  double get(int row, int column) {
    return logits[row * classes + column];
  }

  void set(int row, int column, double value) {
    logits[row * classes + column] = value;
  }

  /** Returns this table if it has one row for each image of the data set. */
  ReferenceLogitsTable forImagesOf(ReferenceDataset data) {
    if (rows != data.size()) {
      throw new IllegalArgumentException(
          "a table of %d rows for a data set of %d images".formatted(rows, data.size()));
    }
    return this;
  }

  private void checkTransfer(int length) {
    lifetime().check();
    if (length != logits.length) {
      throw new IllegalArgumentException(
          "an array of %d elements for a table of %d rows and %d classes"
              .formatted(length, rows, classes));
    }
  }
}
