package io.github.distillcuda.data;

import io.github.distillcuda.data.PickledValue.Array;
import io.github.distillcuda.data.PickledValue.Bytes;
import io.github.distillcuda.data.PickledValue.Entries;
import io.github.distillcuda.data.PickledValue.Sequence;
import io.github.distillcuda.data.PickledValue.UnsignedByte;
import io.github.distillcuda.data.PickledValue.Whole;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Locale;

/**
 * The Python layout: a pickled dictionary of {@code data}, a numpy array of unsigned bytes
 * [records, 3072], {@code labels}, a list of as many numbers, and two entries that are not used.
 */
record PickledBatch(int records) implements BatchFormat {
  private static final List<String> KEYS = List.of("batch_label", "labels", "data", "filenames");

  /** Room for the labels and file names beside the pixels; the official files use 32 a record. */
  private static final int OTHER_BYTES_PER_RECORD = 128;

  /** The official files use three opcodes a record: a label, a file name and its memo. */
  private static final int OPCODES_PER_RECORD = 8;

  @Override
  public void read(InputStream in, long byteCount, Object where, LabelledImages set, int firstRow)
      throws IOException {
    long pixels = (long) records * ImageDataset.IMAGE_BYTES;
    long most = pixels + (long) records * OTHER_BYTES_PER_RECORD + 4096;
    if (byteCount < pixels || byteCount > most) {
      throw invalid(
          where,
          String.format(Locale.ROOT, "%,d to %,d bytes", pixels, most),
          String.format(Locale.ROOT, "%,d bytes", byteCount));
    }
    byte[] file = LabelledImages.allocate((int) byteCount, "the images");
    int got = in.readNBytes(file, 0, file.length);
    if (got < file.length) {
      throw invalid(where, byteCount + " bytes", got + " bytes");
    }
    PickledValue value = new PickleReader(file, where, 1000 + OPCODES_PER_RECORD * records).read();
    if (!(value instanceof Entries entries) || !KEYS.containsAll(entries.byKey().keySet())) {
      throw invalid(where, "a dictionary of " + KEYS, "something else");
    }
    copyLabels(entries.byKey().get("labels"), where, set.labels(), firstRow);
    copyPixels(file, entries.byKey().get("data"), where, set, firstRow);
  }

  private void copyLabels(PickledValue value, Object where, byte[] labels, int firstRow) {
    if (!(value instanceof Sequence list) || list.items().size() != records) {
      throw invalid(where, "a list of " + records + " labels", "something else");
    }
    for (int record = 0; record < records; record++) {
      if (!(list.items().get(record) instanceof Whole number)) {
        throw invalid(where + ", record " + record + " (from 0)", "a number", "something else");
      }
      labels[firstRow + record] = BinaryBatch.label(number.value(), record, where);
    }
  }

  private void copyPixels(
      byte[] file, PickledValue value, Object where, LabelledImages set, int firstRow) {
    int pixels = records * ImageDataset.IMAGE_BYTES;
    // the state that numpy gives to an array: version, shape, element type, Fortran order, bytes
    if (!(value instanceof Array array)
        || array.state() == null
        || array.state().items().size() != 5
        || !(array.state().items().get(1) instanceof Sequence shape)
        || !shape.items().equals(List.of(number(records), number(ImageDataset.IMAGE_BYTES)))
        || !(array.state().items().get(2) instanceof UnsignedByte)
        || !array.state().items().get(3).equals(number(0))
        || !(array.state().items().get(4) instanceof Bytes bytes)
        || bytes.length() != pixels) {
      throw invalid(
          where,
          "unsigned bytes [" + records + ", " + ImageDataset.IMAGE_BYTES + "] in C order",
          "another array or none");
    }
    set.setImages(firstRow, records, file, bytes.offset());
  }

  private static PickledValue number(int value) {
    return new Whole(value);
  }

  private static RuntimeException invalid(Object where, String expected, String got) {
    return DataFault.invalid(where, expected, got, "download the official archive again");
  }
}
