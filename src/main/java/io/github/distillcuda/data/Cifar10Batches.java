package io.github.distillcuda.data;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/** The rows of a CIFAR-10 while its six batch files are read into them, in any order. */
final class Cifar10Batches {
  private final int recordsPerBatch;
  private final LabelledImages train;
  private final LabelledImages test;

  /** Room for a whole release. */
  Cifar10Batches(Cifar10Release release) {
    recordsPerBatch = release.recordsPerBatch();
    train = LabelledImages.ofSize(Cifar10Release.TRAIN_BATCHES * recordsPerBatch);
    test = LabelledImages.ofSize(recordsPerBatch);
  }

  /**
   * Reads a batch file.
   *
   * @param batch its place in {@link Cifar10Layout#fileNames}
   */
  void read(Cifar10Layout layout, int batch, InputStream in, long byteCount, Object where)
      throws IOException {
    BatchFormat format = layout.format(recordsPerBatch);
    if (batch < Cifar10Release.TRAIN_BATCHES) {
      format.read(in, byteCount, where, train, batch * recordsPerBatch);
    } else {
      format.read(in, byteCount, where, test, 0);
    }
  }

  /** Returns the rows as a data set, once every batch is read. */
  ImageDataset dataset(String name) {
    List<String> classNames =
        name.equals(SyntheticDataset.NAME)
            ? SyntheticDataset.CLASS_NAMES
            : Cifar10Release.CLASS_NAMES;
    return new ImageDataset(name, classNames, train, test);
  }
}
