package io.github.distillcuda.data;

import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;

/** The binary layout: {@code records} times a label byte and the 3,072 bytes of a picture. */
record BinaryBatch(int records) implements BatchFormat {
  static final int RECORD_BYTES = 1 + ImageDataset.IMAGE_BYTES;

  private static final int RECORDS_PER_READ = 500;
  private static final String REMEDY = "download it again or replace the file";

  @Override
  public void read(InputStream in, long byteCount, Object where, LabelledImages set, int firstRow)
      throws IOException {
    checkSize(byteCount, where);
    byte[] buffer = new byte[RECORDS_PER_READ * RECORD_BYTES];
    for (int first = 0; first < records; first += RECORDS_PER_READ) {
      int count = Math.min(RECORDS_PER_READ, records - first);
      int wanted = count * RECORD_BYTES;
      int got = in.readNBytes(buffer, 0, wanted);
      if (got < wanted) {
        checkSize((long) first * RECORD_BYTES + got, where);
      }
      for (int i = 0; i < count; i++) {
        int row = firstRow + first + i;
        set.labels()[row] = label(buffer[i * RECORD_BYTES], first + i, where);
        set.setImages(row, 1, buffer, i * RECORD_BYTES + 1);
      }
    }
  }

  private void checkSize(long byteCount, Object where) {
    long expected = (long) records * RECORD_BYTES;
    if (byteCount != expected) {
      throw DataFault.invalid(
          where,
          String.format(Locale.ROOT, "%,d bytes (%,d records)", expected, records),
          String.format(Locale.ROOT, "%,d bytes", byteCount),
          REMEDY);
    }
  }

  /** Checks a label and returns it. Counted from 0, as in the file's offset record * 3,073. */
  static byte label(int value, int record, Object where) {
    if (value < 0 || value >= Cifar10Release.CLASSES) {
      throw DataFault.invalid(
          where + ", record " + record + " (from 0)",
          "a label from 0 to 9",
          Integer.toString(value & 0xFF),
          REMEDY);
    }
    return (byte) value;
  }
}
