package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.tensor.Shape;
import java.nio.ByteBuffer;

/** Images as bytes, where the caller has them: for this device that is resident. */
final class OnednnDataset implements ResidentDataset {
  private final Shape imageShape;
  private final byte[] labels;
  private final ByteBuffer images;
  private final int largestLabel;

  OnednnDataset(Shape imageShape, ByteBuffer images, byte[] labels) {
    if ((long) labels.length * imageShape.elements() != images.capacity()) {
      throw new IllegalArgumentException(
          "%d bytes for %d images of %s".formatted(images.capacity(), labels.length, imageShape));
    }
    this.imageShape = imageShape;
    this.labels = labels.clone();
    this.images = images;
    largestLabel = ResidentDataset.largestLabel(labels);
  }

  @Override
  public int size() {
    return labels.length;
  }

  @Override
  public Shape imageShape() {
    return imageShape;
  }

  /** Returns the largest label, -1 if no image has one. */
  int largestLabel() {
    return largestLabel;
  }

  int label(int image) {
    return labels[image];
  }

  /** Copies the bytes of an image. */
  void copyImage(int image, byte[] pixels) {
    images.get(image * pixels.length, pixels);
  }
}
