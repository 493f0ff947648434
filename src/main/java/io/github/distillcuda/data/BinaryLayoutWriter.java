package io.github.distillcuda.data;

import io.github.distillcuda.failure.ExitCode;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Writes a data set in CIFAR-10's binary layout, for this program and others to read. */
final class BinaryLayoutWriter {
  /** The file of class names, one a line, that the official archive has too. */
  static final String CLASS_NAMES_FILE = "batches.meta.txt";

  private BinaryLayoutWriter() {}

  /**
   * Writes the six batch files and the class names. The class names come last: a folder that has
   * them is whole.
   *
   * @throws io.github.distillcuda.failure.DistillException if a file of that name exists (nothing
   *     is overwritten) or the folder cannot be written
   */
  static void write(ImageDataset set, Path folder) {
    List<String> names = Cifar10Layout.BINARY.fileNames();
    List<String> all = new ArrayList<>(names);
    all.add(CLASS_NAMES_FILE);
    for (String name : all) {
      if (Files.exists(folder.resolve(name))) {
        throw DataFault.fault(
            ExitCode.USAGE, "%s: exists already; name an empty folder", folder.resolve(name));
      }
    }
    int perBatch = set.trainCount() / Cifar10Release.TRAIN_BATCHES;
    if (perBatch * Cifar10Release.TRAIN_BATCHES != set.trainCount()
        || perBatch != set.testCount()) {
      throw new IllegalArgumentException(
          set.trainCount() + " training, " + set.testCount() + " test images make no six batches");
    }
    try {
      Files.createDirectories(folder);
      for (int batch = 0; batch < Cifar10Release.TRAIN_BATCHES; batch++) {
        writeBatch(
            folder.resolve(names.get(batch)),
            set.trainImages(),
            set.trainLabels(),
            batch * perBatch,
            perBatch);
      }
      writeBatch(folder.resolve(names.getLast()), set.testImages(), set.testLabels(), 0, perBatch);
      Files.writeString(
          folder.resolve(CLASS_NAMES_FILE), String.join("\n", set.classNames()) + "\n");
    } catch (IOException e) {
      throw DataFault.unwritable(folder, e);
    }
  }

  /** Whether the class names in a folder are those of the synthetic set. */
  static boolean wroteSynthetic(Path folder) {
    Path file = folder.resolve(CLASS_NAMES_FILE);
    try {
      return Files.isRegularFile(file)
          && Files.size(file) < 1000
          && Files.readAllLines(file).equals(SyntheticDataset.CLASS_NAMES);
    } catch (IOException unreadable) {
      return false;
    }
  }

  private static void writeBatch(Path file, ByteBuffer images, byte[] labels, int first, int count)
      throws IOException {
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
      byte[] image = new byte[ImageDataset.IMAGE_BYTES];
      for (int row = first; row < first + count; row++) {
        out.write(labels[row]);
        images.get(row * image.length, image);
        out.write(image);
      }
    }
  }
}
