package io.github.distillcuda.backend.reference;

import io.github.distillcuda.backend.Lifetime;
import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.tensor.Shape;
import java.nio.ByteBuffer;

/** Images and labels as copies of the bytes that were uploaded. */
final class ReferenceDataset extends Owned implements ResidentDataset {
  private final Shape imageShape;
  private final byte[] images;
  private final byte[] labels;

  /** Checks and copies. */
  ReferenceDataset(Lifetime lifetime, Shape imageShape, ByteBuffer images, byte[] labels) {
    super(lifetime);
    if (imageShape.rank() != 3
        || images.capacity() != (long) labels.length * imageShape.elements()) {
      throw new IllegalArgumentException(
          "%d bytes and %d labels for images of shape %s"
              .formatted(images.capacity(), labels.length, imageShape));
    }
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] < 0 && labels[i] != NO_LABEL) {
        throw new IllegalArgumentException("image " + i + " has label " + labels[i]);
      }
    }
    this.imageShape = imageShape;
    this.images = new byte[images.capacity()];
    images.get(0, this.images);
    this.labels = labels.clone();
  }

  @Override
  public int size() {
    return labels.length;
  }

  @Override
  public Shape imageShape() {
    return imageShape;
  }

  /** Returns one byte of an image, from 0 to 255. */
  int pixel(int image, int index) {
    return Byte.toUnsignedInt(images[image * imageShape.elements() + index]);
  }

  int label(int image) {
    return labels[image];
  }

  /** Returns the largest label; {@value #NO_LABEL} if there is none. */
  int largestLabel() {
    int largest = NO_LABEL;
    for (byte label : labels) {
      largest = Math.max(largest, label);
    }
    return largest;
  }
}
