package io.github.distillcuda.checkpoint;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonWriter;
import io.github.distillcuda.checkpoint.SafetensorsHeader.Entry;
import io.github.distillcuda.failure.Printable;
import io.github.distillcuda.tensor.NamedArray;
import io.github.distillcuda.tensor.Shape;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * The safetensors format: the length of a JSON header as 8 bytes, the header, then the elements of
 * all tensors without a gap, all little-endian. What is refused and why: {@code
 * native-notes/formats.md}.
 */
final class SafetensorsFile {
  private static final int MAX_HEADER_BYTES = 8 << 20;
  private static final int ALIGNMENT = 8;

  private SafetensorsFile() {}

  /**
   * Returns the tensors of a file in the order of its header, as float32.
   *
   * @param file the whole file, little-endian, on the heap
   * @throws InvalidFileException if the file breaks a rule of the format or one of our limits
   */
  static List<NamedArray> read(ByteBuffer file) throws InvalidFileException {
    int headerBytes = headerBytes(file);
    List<Entry> entries = SafetensorsHeader.parse(FloatBytes.slice(file, Long.BYTES, headerBytes));
    int dataStart = Long.BYTES + headerBytes;
    ByteBuffer data = FloatBytes.slice(file, dataStart, file.limit() - dataStart);
    requireDense(entries, data.limit());
    List<NamedArray> arrays = new ArrayList<>(entries.size());
    for (Entry entry : entries) {
      int elements = entry.shape().elements();
      ByteBuffer bytes =
          FloatBytes.slice(data, (int) entry.begin(), (int) (entry.end() - entry.begin()));
      arrays.add(
          new NamedArray(
              entry.name(), entry.shape(), FloatBytes.decode(bytes, entry.dtype(), elements)));
    }
    return arrays;
  }

  private static int headerBytes(ByteBuffer file) throws InvalidFileException {
    if (file.limit() < Long.BYTES) {
      throw new InvalidFileException(
          "the file has " + file.limit() + " bytes, too few for a safetensors header");
    }
    long length = file.getLong(0);
    if (length < 0 || length > file.limit() - Long.BYTES) {
      throw new InvalidFileException(
          "the header claims %s bytes of a file of %d, which is truncated or not safetensors"
              .formatted(Long.toUnsignedString(length), file.limit()));
    }
    if (length > MAX_HEADER_BYTES) {
      throw new InvalidFileException(
          "the header claims " + length + " bytes, more than " + MAX_HEADER_BYTES);
    }
    return (int) length;
  }

  /** Every byte belongs to exactly one tensor: nothing shared, hidden, missing or left over. */
  private static void requireDense(List<Entry> entries, int dataBytes) throws InvalidFileException {
    List<Entry> byOffset = new ArrayList<>(entries);
    byOffset.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    long expected = 0;
    for (Entry entry : byOffset) {
      String name = Printable.name(entry.name());
      if (entry.begin() != expected) {
        throw new InvalidFileException(
            name + " begins at byte " + entry.begin() + " of the data, expected " + expected);
      }
      long size = (long) entry.shape().elements() * entry.dtype().bytes();
      if (entry.end() - entry.begin() != size) {
        throw new InvalidFileException(
            "%s has %d bytes, but shape %s takes %d"
                .formatted(name, entry.end() - entry.begin(), entry.shape(), size));
      }
      expected = entry.end();
    }
    if (expected != dataBytes) {
      throw new InvalidFileException(
          "the tensors take " + expected + " bytes, but the file has " + dataBytes + " for them");
    }
  }

  /** Returns the size in bytes of the file that {@link #write} makes. */
  static long size(List<NamedArray> arrays) {
    return Long.BYTES + (long) header(arrays, Map.of()).length + dataBytes(arrays);
  }

  /** Writes {@code arrays} as float32, in their order; the same arrays give the same bytes. */
  static void write(OutputStream out, List<NamedArray> arrays) throws IOException {
    write(out, arrays, Map.of());
  }

  /** Writes {@code arrays} so, with more to read about them in the header. */
  static void write(OutputStream out, List<NamedArray> arrays, Map<String, String> metadata)
      throws IOException {
    byte[] header = header(arrays, metadata);
    ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.write(length.putLong(header.length).array());
    out.write(header);
    for (NamedArray array : arrays) {
      FloatBytes.write(array.values(), out);
    }
  }

  private static long dataBytes(List<NamedArray> arrays) {
    return arrays.stream().mapToLong(array -> (long) Float.BYTES * array.values().length).sum();
  }

  private static byte[] header(List<NamedArray> arrays, Map<String, String> metadata) {
    StringWriter text = new StringWriter();
    try (JsonWriter json = new JsonWriter(text)) {
      json.setStrictness(Strictness.STRICT);
      json.beginObject();
      // Readers of other projects ask who wrote the file; "pt" is what PyTorch users' files say.
      json.name(SafetensorsHeader.METADATA).beginObject().name("format").value("pt");
      for (Map.Entry<String, String> entry : metadata.entrySet()) {
        json.name(entry.getKey()).value(entry.getValue());
      }
      json.endObject();
      long begin = 0;
      for (NamedArray array : arrays) {
        long end = begin + (long) Float.BYTES * array.values().length;
        entry(json, array, begin, end);
        begin = end;
      }
      json.endObject();
    } catch (IOException e) {
      throw new AssertionError("a StringWriter does not fail", e);
    }
    // Spaces up to a multiple of 8, so that a program that maps the file finds aligned floats.
    byte[] unpadded = text.toString().getBytes(StandardCharsets.UTF_8);
    text.write(" ".repeat(Math.floorMod(-unpadded.length, ALIGNMENT)));
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void entry(JsonWriter json, NamedArray array, long begin, long end)
      throws IOException {
    Shape shape = array.shape();
    json.name(array.name()).beginObject();
    json.name("dtype").value("F32");
    json.name("shape").beginArray();
    for (int extent : shape.extents()) {
      json.value(extent);
    }
    json.endArray();
    json.name("data_offsets").beginArray().value(begin).value(end).endArray();
    json.endObject();
  }
}
