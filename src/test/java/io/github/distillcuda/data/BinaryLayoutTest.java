package io.github.distillcuda.data;

import static io.github.distillcuda.data.SmallCifar10.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.distillcuda.failure.DistillException;
import io.github.distillcuda.failure.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BinaryLayoutTest {
  private final SmallCifar10 small = new SmallCifar10(1);
  private final Cifar10Reader reader = new Cifar10Reader(small.release());

  @TempDir Path temp;

  private ImageDataset read(Path folder) {
    return reader.read(Cifar10Location.at(folder));
  }

  private void assertRefused(Path folder, String... words) {
    assertThatThrownBy(() -> read(folder)).satisfies(e -> assertFault(e, words));
  }

  /** A data fault: one line, exit 3, and the words that help. */
  static void assertFault(Throwable fault, String... words) {
    assertThat(fault).isInstanceOf(DistillException.class);
    assertThat(((DistillException) fault).exitCode()).isEqualTo(ExitCode.DATA);
    assertThat(fault).message().contains(words).doesNotContain("\n");
  }

  @Test
  void readsLabelsAndPicturesInOrder() throws IOException {
    ImageDataset set = read(SmallCifar10.write(temp, small.binaryFiles()));
    assertThat(set.trainLabels()).isEqualTo(small.trainLabels());
    assertThat(bytes(set.trainImages())).isEqualTo(small.trainImages());
    assertThat(set.testLabels()).isEqualTo(small.labels[5]);
    assertThat(bytes(set.testImages())).isEqualTo(small.pixels[5]);
    assertThat(set.trainCount()).isEqualTo(20);
    assertThat(set.testCount()).isEqualTo(4);
    assertThat(set.classNames()).hasSize(10).startsWith("airplane").endsWith("truck");
    assertThat(set.name()).isEqualTo("cifar10 (unofficial files)");
  }

  @Test
  void readsMoreRecordsThanItBuffers() throws IOException {
    int records = 1203;
    byte[] file = new byte[records * 3073];
    for (int i = 0; i < file.length; i++) {
      file[i] = (byte) (i % 3073 == 0 ? i / 3073 % 10 : i * 31);
    }
    LabelledImages set = LabelledImages.ofSize(records + 1);
    new BinaryBatch(records)
        .read(new java.io.ByteArrayInputStream(file), file.length, "file", set, 1);
    for (int row = 0; row < records; row++) {
      assertThat(set.labels()[row + 1]).isEqualTo((byte) (row % 10));
      assertThat(
              Arrays.equals(
                  file,
                  row * 3073 + 1,
                  row * 3073 + 3073,
                  bytes(set.images()),
                  (row + 1) * 3072,
                  (row + 2) * 3072))
          .as("row " + row)
          .isTrue();
    }
  }

  @Test
  void findsTheFolderThatTheArchiveUnpacksTo() throws IOException {
    SmallCifar10.write(temp.resolve("cifar-10-batches-bin"), small.binaryFiles());
    assertThat(read(temp).trainLabels()).isEqualTo(small.trainLabels());
  }

  /** The hash is that of the five training files one after the other. */
  @Test
  void hashCoversTheTrainingFiles() throws IOException {
    Map<String, byte[]> files = small.binaryFiles();
    byte[] all = new byte[5 * 4 * 3073];
    int at = 0;
    for (int batch = 1; batch <= 5; batch++) {
      byte[] file = files.get("data_batch_" + batch + ".bin");
      System.arraycopy(file, 0, all, at, file.length);
      at += file.length;
    }
    ImageDataset set = read(SmallCifar10.write(temp, files));
    assertThat(set.sha256()).isEqualTo(SmallCifar10.hex("SHA-256", all));
    byte[] first = Arrays.copyOf(all, 7 * 3073);
    assertThat(set.subset(7).sha256()).isEqualTo(SmallCifar10.hex("SHA-256", first));
  }

  @Test
  void missingFolderAndMissingFile() throws IOException {
    assertRefused(temp.resolve("absent"), "absent", "no such file or folder");
    assertRefused(temp, "expected CIFAR-10", "cifar-10-binary.tar.gz", "none of these");
    SmallCifar10.write(temp, small.binaryFiles());
    Files.delete(temp.resolve("data_batch_3.bin"));
    Files.delete(temp.resolve("test_batch.bin"));
    assertRefused(temp, "missing data_batch_3.bin, test_batch.bin");
  }

  @Test
  void truncatedOverlongAndEmptyFile() throws IOException {
    SmallCifar10.write(temp, small.binaryFiles());
    Path file = temp.resolve("data_batch_2.bin");
    byte[] whole = Files.readAllBytes(file);
    for (int length : new int[] {0, 1, 3073, whole.length - 1, whole.length + 1}) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertRefused(temp, "data_batch_2.bin", "expected 12,292 bytes (4 records)", "got ");
    }
  }

  /** The size may be right when it is asked for and wrong when the file is read. */
  @Test
  void fileThatShrinksWhileItIsRead() {
    LabelledImages set = LabelledImages.ofSize(2);
    assertThatThrownBy(
            () ->
                new BinaryBatch(2)
                    .read(new java.io.ByteArrayInputStream(new byte[5000]), 6146, "f", set, 0))
        .satisfies(e -> assertFault(e, "f: expected 6,146 bytes (2 records), got 5,000 bytes"));
  }

  @Test
  void labelOutOfRangeIsNamedWithItsRecord() throws IOException {
    SmallCifar10.write(temp, small.binaryFiles());
    Path file = temp.resolve("data_batch_4.bin");
    byte[] bytes = Files.readAllBytes(file);
    for (int label : new int[] {10, 128, 255}) {
      bytes[2 * 3073] = (byte) label;
      Files.write(file, bytes);
      assertRefused(
          temp, "data_batch_4.bin, record 2 (from 0)", "a label from 0 to 9, got " + label);
    }
  }

  @Test
  void folderInPlaceOfAFileAndFileInPlaceOfAFolder() throws IOException {
    SmallCifar10.write(temp, small.binaryFiles());
    Path batch = temp.resolve("test_batch.bin");
    assertRefused(batch, "test_batch.bin: expected a .tar.gz");
    Files.delete(batch);
    Files.createDirectory(batch);
    assertRefused(temp, "test_batch.bin: expected a file, got a folder");
  }

  @Test
  void subsetOutOfRangeIsAUsageError() throws IOException {
    ImageDataset set = read(SmallCifar10.write(temp, small.binaryFiles()));
    assertThat(set.subset(3).trainLabels()).isEqualTo(Arrays.copyOf(small.trainLabels(), 3));
    assertThat(bytes(set.subset(3).trainImages()))
        .isEqualTo(Arrays.copyOf(small.trainImages(), 3 * 3072));
    assertThat(set.subset(3).testCount()).isEqualTo(4);
    for (int count : new int[] {0, -1, 21}) {
      assertThatThrownBy(() -> set.subset(count))
          .hasMessage(
              "--subset " + count + ": the training set has 20 images, so 1 to 20 are allowed")
          .extracting(e -> ((DistillException) e).exitCode())
          .isEqualTo(ExitCode.USAGE);
    }
  }

  @Test
  void writtenSetReadsBackAndKeepsItsName() {
    ImageDataset synthetic = SyntheticDataset.create(3, 20, 4);
    Path folder = temp.resolve("written here, \u00e4\u00f6\u00fc \u4e2d");
    BinaryLayoutWriter.write(synthetic, folder);
    ImageDataset back = read(folder);
    assertThat(bytes(back.trainImages())).isEqualTo(bytes(synthetic.trainImages()));
    assertThat(back.trainLabels()).isEqualTo(synthetic.trainLabels());
    assertThat(bytes(back.testImages())).isEqualTo(bytes(synthetic.testImages()));
    assertThat(back.testLabels()).isEqualTo(synthetic.testLabels());
    assertThat(back.name()).isEqualTo("synthetic");
    assertThat(back.classNames()).isEqualTo(synthetic.classNames());
  }

  @Test
  void writingOverwritesNothing() throws IOException {
    Path file = Files.writeString(temp.resolve("data_batch_5.bin"), "mine");
    assertThatThrownBy(() -> BinaryLayoutWriter.write(SyntheticDataset.create(3, 20, 4), temp))
        .hasMessageContaining("data_batch_5.bin: exists already")
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.USAGE);
    assertThat(file).hasContent("mine");
    assertThat(temp.toFile().list()).hasSize(1);
  }

  @Test
  void writingBelowAFileIsADiskError() throws IOException {
    Path file = Files.writeString(temp.resolve("file"), "");
    ImageDataset set = SyntheticDataset.create(3, 20, 4);
    assertThatThrownBy(() -> BinaryLayoutWriter.write(set, file.resolve("below")))
        .extracting(e -> ((DistillException) e).exitCode())
        .isEqualTo(ExitCode.DISK);
  }
}
