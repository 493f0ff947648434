package io.github.distillcuda.data;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Images with their labels, row by row; readers fill it in place.
 *
 * @param images unsigned bytes, [rows, 3, 32, 32]
 * @param labels class ids, [rows], each in [0, 10)
 */
record LabelledImages(ByteBuffer images, byte[] labels) {
  /** Images in an array, which is not copied. */
  static LabelledImages of(byte[] images, byte[] labels) {
    return new LabelledImages(ByteBuffer.wrap(images), labels);
  }

  /**
   * Room for {@code rows} images.
   *
   * @throws io.github.distillcuda.failure.DistillException if the heap is too small
   */
  static LabelledImages ofSize(int rows) {
    return of(allocate(rows), new byte[rows]);
  }

  /** Returns a view of the first rows. */
  LabelledImages first(int rows) {
    return new LabelledImages(
        images.slice(0, rows * ImageDataset.IMAGE_BYTES), Arrays.copyOf(labels, rows));
  }

  /** Copies the bytes of {@code rows} images from {@code offset} of an array. */
  void setImages(int firstRow, int rows, byte[] from, int offset) {
    images.put(firstRow * ImageDataset.IMAGE_BYTES, from, offset, rows * ImageDataset.IMAGE_BYTES);
  }

  /** Copies the bytes of a row's image out. */
  void copyImage(int row, byte[] to) {
    images.get(row * ImageDataset.IMAGE_BYTES, to);
  }

  /**
   * Allocates an array for the bytes of {@code rows} images.
   *
   * @throws io.github.distillcuda.failure.DistillException if the heap is too small
   */
  static byte[] allocate(int rows) {
    return allocate(Math.multiplyExact(rows, ImageDataset.IMAGE_BYTES), "the images");
  }

  /**
   * Allocates a large array. Failing to get one leaves the heap as it was, so the error is safe to
   * turn into advice.
   */
  static byte[] allocate(int byteCount, String what) {
    try {
      return new byte[byteCount];
    } catch (OutOfMemoryError tooSmall) {
      long limit = Runtime.getRuntime().maxMemory() >> 20;
      throw DataFault.data(
          "%s need %d MiB of Java's heap, which is limited to %d MiB; start Java with -Xmx1g",
          what, (byteCount >> 20) + 1, limit);
    }
  }
}
