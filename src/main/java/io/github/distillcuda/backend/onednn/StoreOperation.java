package io.github.distillcuda.backend.onednn;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;

/** Logits of the rows to their images' rows of a table. */
record StoreOperation(OnednnTensor logits, int[] ids, OnednnLogitsTable table)
    implements Operation {
  @Override
  public String name() {
    return "store";
  }

  @Override
  public void run() {
    int classes = table.classes();
    for (int row = 0; row < ids.length; row++) {
      MemorySegment.copy(
          logits.data(),
          JAVA_FLOAT,
          (long) row * classes * Float.BYTES,
          table.logits(),
          ids[row] * classes,
          classes);
    }
  }
}
