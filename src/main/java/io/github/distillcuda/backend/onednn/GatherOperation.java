package io.github.distillcuda.backend.onednn;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.distillcuda.backend.host.HostStepState;
import io.github.distillcuda.backend.host.PixelNormalization;
import java.lang.foreign.MemorySegment;

/** Images, labels and cached logits of the next rows. */
final class GatherOperation implements Operation {
  private final OnednnBatch batch;
  private final HostStepState state;
  private final OnednnLogitsTable table;
  private final byte[] pixels;
  private final float[] normalised;

  /**
   * A gather.
   *
   * @param table the teacher's logits; null for none
   */
  GatherOperation(OnednnBatch batch, HostStepState state, OnednnLogitsTable table) {
    this.batch = batch;
    this.state = state;
    this.table = table;
    int elements = batch.data().imageShape().elements();
    pixels = new byte[elements];
    normalised = new float[elements];
  }

  @Override
  public String name() {
    return "gather";
  }

  @Override
  public void run() {
    MemorySegment images = batch.images().data();
    for (int row = 0; row < batch.ids().length; row++) {
      int image = state.image(row);
      batch.ids()[row] = image;
      batch.labels()[row] = batch.data().label(image);
      batch.data().copyImage(image, pixels);
      PixelNormalization.normalise(pixels, normalised);
      // A heap array on the way, because stores of the table loop into native memory are slower.
      MemorySegment.copy(
          normalised,
          0,
          images,
          JAVA_FLOAT,
          (long) row * normalised.length * Float.BYTES,
          normalised.length);
      if (table != null) {
        MemorySegment.copy(
            table.logits(),
            image * table.classes(),
            batch.cachedLogits().data(),
            JAVA_FLOAT,
            (long) row * table.classes() * Float.BYTES,
            table.classes());
      }
    }
  }
}
