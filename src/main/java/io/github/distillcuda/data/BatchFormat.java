package io.github.distillcuda.data;

import java.io.IOException;
import java.io.InputStream;

/** How one batch file is read into rows of a set. */
interface BatchFormat {
  /**
   * Reads a whole batch file into {@code set}, from row {@code firstRow}.
   *
   * @param in the file's bytes; read to {@code byteCount}, not closed
   * @param byteCount the file's size, by the file system or the archive
   * @param where the file's name for messages
   * @throws io.github.distillcuda.failure.DistillException if the file is not what it should be
   * @throws IOException if reading fails
   */
  void read(InputStream in, long byteCount, Object where, LabelledImages set, int firstRow)
      throws IOException;
}
