package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.LogitsTable;
import io.github.distillcuda.tensor.Shape;

/** Logits by image id, row-major on the device. */
final class CudaLogitsTable implements LogitsTable {
  private final CudaTensor logits;

  CudaLogitsTable(CudaSession session, int rows, int classes) {
    Shape shape = Shape.of(rows, classes);
    logits =
        new CudaTensor(
            session, "logits table", shape, session.floats("logits table", shape.elements()));
  }

  @Override
  public int rows() {
    return logits.shape().extent(0);
  }

  @Override
  public int classes() {
    return logits.shape().extent(1);
  }

  @Override
  public void read(float[] destination) {
    logits.read(destination);
  }

  @Override
  public void write(float[] source) {
    logits.write(source);
  }

  CudaTensor logits() {
    return logits;
  }
}
