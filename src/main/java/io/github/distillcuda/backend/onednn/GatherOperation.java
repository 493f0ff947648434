package io.github.distillcuda.backend.onednn;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.distillcuda.backend.host.HostStepState;
import io.github.distillcuda.backend.host.PixelNormalisation;
import io.github.distillcuda.ffi.OpenMpTeam;
import java.lang.foreign.MemorySegment;

/** Images, labels and cached logits of the next rows; each thread of the team takes some. */
final class GatherOperation implements Operation {
  private final OpenMpTeam team;
  private final OpenMpTeam.Task gather = this::gather;
  private final OnednnBatch batch;
  private final HostStepState state;
  private final OnednnLogitsTable table;
  private final byte[][] pixels;
  private final float[][] normalised;

  /**
   * A gather.
   *
   * @param table the teacher's logits; null for none
   */
  GatherOperation(
      OpenMpTeam team, OnednnBatch batch, HostStepState state, OnednnLogitsTable table) {
    this.team = team;
    this.batch = batch;
    this.state = state;
    this.table = table;
    int elements = batch.data().imageShape().elements();
    pixels = new byte[team.threads()][elements];
    normalised = new float[team.threads()][elements];
  }

  @Override
  public String name() {
    return "gather";
  }

  @Override
  public void run() {
    team.run(gather);
  }

  private void gather(int part, int parts) {
    int rows = batch.ids().length;
    for (int row = rows * part / parts; row < rows * (part + 1) / parts; row++) {
      int image = state.image(row);
      batch.ids()[row] = image;
      batch.labels()[row] = batch.data().label(image);
      copyImage(image, row, pixels[part], normalised[part]);
      if (table != null) {
        copyLogits(image, row);
      }
    }
  }

  /** Normalises on the heap, where the loop is fast, and then moves the image as a whole. */
  private void copyImage(int image, int row, byte[] bytes, float[] floats) {
    batch.data().copyImage(image, bytes);
    PixelNormalisation.normalise(bytes, floats);
    long offset = (long) row * floats.length * Float.BYTES;
    MemorySegment.copy(floats, 0, batch.images().data(), JAVA_FLOAT, offset, floats.length);
  }

  private void copyLogits(int image, int row) {
    int classes = table.classes();
    long offset = (long) row * classes * Float.BYTES;
    MemorySegment.copy(
        table.logits(), image * classes, batch.cachedLogits().data(), JAVA_FLOAT, offset, classes);
  }
}
