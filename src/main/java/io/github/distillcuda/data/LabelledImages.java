package io.github.distillcuda.data;

/**
 * Images with their labels, row by row; readers fill it in place.
 *
 * @param images unsigned bytes, [rows, 3, 32, 32]
 * @param labels class ids, [rows], each in [0, 10)
 */
record LabelledImages(byte[] images, byte[] labels) {
  /**
   * Room for {@code rows} images.
   *
   * @throws io.github.distillcuda.failure.DistillException if the heap is too small
   */
  static LabelledImages ofSize(int rows) {
    byte[] images = allocate(Math.multiplyExact(rows, ImageDataset.IMAGE_BYTES), "the images");
    return new LabelledImages(images, new byte[rows]);
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
