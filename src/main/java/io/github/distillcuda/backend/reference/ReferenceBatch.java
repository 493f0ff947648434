package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.Batch;
import io.github.distillcuda.tensor.Shape;
import io.github.distillcuda.tensor.Tensor;

/** The gather of one step: the next images of the order, normalised, and what belongs to them. */
final class ReferenceBatch extends Owned implements Batch {
  private final ReferenceDataset data;
  private final ReferenceState state;
  private final ReferenceLogitsTable teacherCache;
  private final int[] imageIds;
  private final ReferenceTensor images;
  private final ReferenceTensor teacherLogits;

  /**
   * Allocates the batch.
   *
   * @param teacherCache null for none
   */
  ReferenceBatch(
      int rows, ReferenceDataset data, ReferenceState state, ReferenceLogitsTable teacherCache) {
    super(data.lifetime());
    this.data = data;
    this.state = state;
    this.teacherCache = teacherCache;
    this.imageIds = new int[rows];
    this.images =
        new ReferenceTensor(lifetime(), "batch.images", data.imageShape().withBatch(rows));
    this.teacherLogits =
        teacherCache == null
            ? null
            : new ReferenceTensor(
                lifetime(), "batch.teacherLogits", Shape.of(rows, teacherCache.classes()));
  }

  @Override
  public Tensor images() {
    return images;
  }

  @Override
  public Tensor teacherLogits() {
    if (teacherLogits == null) {
      throw new IllegalStateException("the gather was recorded without a teacher cache");
    }
    return teacherLogits;
  }

  ReferenceDataset data() {
    return data;
  }

  int imageId(int row) {
    return imageIds[row];
  }

  int label(int row) {
    return data.label(imageIds[row]);
  }

  /** Fills the batch; the state's cursor stays where it is. */
  void gather() {
    state.nextImages(imageIds, data.size());
    int pixels = data.imageShape().elements();
    for (int row = 0; row < imageIds.length; row++) {
      for (int i = 0; i < pixels; i++) {
        images.set(row * pixels + i, (data.pixel(imageIds[row], i) / 255.0 - 0.5) / 0.5);
      }
      if (teacherCache != null) {
        for (int c = 0; c < teacherCache.classes(); c++) {
          teacherLogits.set(row * teacherCache.classes() + c, teacherCache.get(imageIds[row], c));
        }
      }
    }
  }
}
