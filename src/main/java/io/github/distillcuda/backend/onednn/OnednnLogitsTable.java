package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.LogitsTable;

/** Logits by image id, on the heap: rows are copied in and out of it, no primitive reads it. */
final class OnednnLogitsTable implements LogitsTable {
  private final OnednnContext context;
  private final int rows;
  private final int classes;
  private final float[] logits;

  OnednnLogitsTable(OnednnContext context, int rows, int classes) {
    this.context = context;
    this.rows = rows;
    this.classes = classes;
    logits = new float[Math.multiplyExact(rows, classes)];
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
    check(destination.length);
    System.arraycopy(logits, 0, destination, 0, logits.length);
  }

  @Override
  public void write(float[] source) {
    check(source.length);
    System.arraycopy(source, 0, logits, 0, logits.length);
  }

  private void check(int length) {
    context.check();
    if (length != logits.length) {
      throw new IllegalArgumentException(
          "%d x %d logits, the array has %d".formatted(rows, classes, length));
    }
  }

  /** Returns the logits, row-major. */
  float[] logits() {
    return logits;
  }
}
