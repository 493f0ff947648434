package io.github.distillcuda.data;

import io.github.distillcuda.data.BatchValue.Array;
import io.github.distillcuda.data.BatchValue.Bytes;
import io.github.distillcuda.data.BatchValue.Numpy;
import io.github.distillcuda.pickle.PickleValue;
import io.github.distillcuda.pickle.PickleValue.Constant;
import io.github.distillcuda.pickle.PickleValue.Dictionary;
import io.github.distillcuda.pickle.PickleValue.Sequence;
import io.github.distillcuda.pickle.PickleValue.Whole;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
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
    int maxOpcodes = 1000 + OPCODES_PER_RECORD * records;
    PickleValue value = new BatchPickleReader(file, where, maxOpcodes).read();
    if (!(value instanceof Dictionary batch) || !KEYS.containsAll(batch.entries().keySet())) {
      throw invalid(where, "a dictionary of " + KEYS, "something else");
    }
    copyLabels(batch.entries().get("labels"), where, set.labels(), firstRow);
    copyPixels(file, batch.entries().get("data"), where, set, firstRow);
  }

  private void copyLabels(PickleValue value, Object where, byte[] labels, int firstRow) {
    if (!(value instanceof Sequence list) || list.items().size() != records) {
      throw invalid(where, "a list of " + records + " labels", "something else");
    }
    for (int record = 0; record < records; record++) {
      if (!(list.items().get(record) instanceof Whole(long label))) {
        throw invalid(where + ", record " + record + " (from 0)", "a number", "something else");
      }
      labels[firstRow + record] = BinaryBatch.label(Math.toIntExact(label), record, where);
    }
  }

  private void copyPixels(
      byte[] file, PickleValue value, Object where, LabelledImages set, int firstRow) {
    int pixels = records * ImageDataset.IMAGE_BYTES;
    // the state that numpy gives to an array: version, shape, element type, Fortran order, bytes
    if (!(value instanceof Array array)
        || array.state() == null
        || array.state().items().size() != 5
        || !(array.state().items().get(1) instanceof Sequence shape)
        || !shape.items().equals(List.of(number(records), number(ImageDataset.IMAGE_BYTES)))
        || array.state().items().get(2) != Numpy.UNSIGNED_BYTE
        || array.state().items().get(3) != Constant.FALSE
        || !(array.state().items().get(4) instanceof Bytes(ByteBuffer bytes))
        || bytes.remaining() != pixels) {
      throw invalid(
          where,
          "unsigned bytes [" + records + ", " + ImageDataset.IMAGE_BYTES + "] in C order",
          "another array or none");
    }
    set.setImages(firstRow, records, file, bytes.arrayOffset());
  }

  private static PickleValue number(int value) {
    return new Whole(value);
  }

  private static RuntimeException invalid(Object where, String expected, String got) {
    return DataFault.invalid(where, expected, got, "download the official archive again");
  }
}
