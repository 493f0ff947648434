package io.github.distillcuda.backend.cuda;

import io.github.distillcuda.backend.ResidentDataset;
import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** Images and labels as bytes on the device. */
final class CudaDataset implements ResidentDataset {
  private final Shape imageShape;
  private final int size;
  private final int largestLabel;
  private final DeviceBuffer images;
  private final DeviceBuffer labels;

  CudaDataset(CudaSession session, Shape imageShape, ByteBuffer images, byte[] labels) {
    if ((long) labels.length * imageShape.elements() != images.capacity() || labels.length == 0) {
      throw new IllegalArgumentException(
          "%d bytes for %d images of %s".formatted(images.capacity(), labels.length, imageShape));
    }
    this.imageShape = imageShape;
    size = labels.length;
    largestLabel = ResidentDataset.largestLabel(labels);
    this.images = session.allocate("data set", images.capacity());
    this.labels = session.allocate("labels", labels.length);
    session.staging().copyToDevice(MemorySegment.ofBuffer(images), this.images, 0);
    session.staging().copyToDevice(MemorySegment.ofArray(labels), this.labels, 0);
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public Shape imageShape() {
    return imageShape;
  }

  /** Returns the largest label, -1 if no image has one. */
  int largestLabel() {
    return largestLabel;
  }

  DeviceBuffer images() {
    return images;
  }

  DeviceBuffer labels() {
    return labels;
  }
}
