package io.github.distillcuda.checkpoint;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.github.distillcuda.failure.Printable;
import io.github.distillcuda.tensor.DType;
import io.github.distillcuda.tensor.Shape;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Reads the JSON part of a safetensors file. Stricter than JSON itself: a key that stands twice, a
 * number that is not a plain non-negative integer, or an unknown key ends the reading, since other
 * readers may understand such a file differently.
 */
final class SafetensorsHeader {
  private static final int MAX_DEPTH = 8;
  private static final int MAX_DIGITS = 18;
  static final String METADATA = "__metadata__";

  private final JsonReader json;

  private SafetensorsHeader(JsonReader json) {
    this.json = json;
  }

  /**
   * A tensor as the header describes it, its length not yet compared with its shape.
   *
   * @param name the tensor's name
   * @param dtype the element type
   * @param shape the shape
   * @param begin its first byte, counted from the end of the header
   * @param end the byte after its last one
   */
  record Entry(String name, DType dtype, Shape shape, long begin, long end) {}

  /**
   * Returns the tensors in the order of the header.
   *
   * @param bytes the header alone
   * @throws InvalidFileException if it is anything but a well-formed header
   */
  static List<Entry> parse(ByteBuffer bytes) throws InvalidFileException {
    requireObject(bytes);
    try (JsonReader json = new JsonReader(utf8(bytes))) {
      json.setStrictness(Strictness.STRICT);
      json.setNestingLimit(MAX_DEPTH);
      return new SafetensorsHeader(json).entries();
    } catch (CharacterCodingException e) {
      throw new InvalidFileException("the header is not UTF-8", e);
    } catch (IOException e) {
      throw new InvalidFileException("the header is not valid JSON", e);
    }
  }

  /** Spaces before the brace are let through, as the reference does; a byte-order mark is not. */
  private static void requireObject(ByteBuffer bytes) throws InvalidFileException {
    for (int i = 0; i < bytes.limit(); i++) {
      byte value = bytes.get(i);
      if (value == '{') {
        return;
      }
      if (value != ' ' && value != '\t' && value != '\n' && value != '\r') {
        break;
      }
    }
    throw new InvalidFileException("the header does not begin with '{'");
  }

  private static Reader utf8(ByteBuffer bytes) {
    return new InputStreamReader(
        new ByteArrayInputStream(bytes.array(), bytes.arrayOffset(), bytes.limit()),
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT));
  }

  private List<Entry> entries() throws IOException, InvalidFileException {
    List<Entry> entries = new ArrayList<>();
    Set<String> names = new HashSet<>();
    json.beginObject();
    while (json.hasNext()) {
      String name = key(names, "the header");
      if (name.equals(METADATA)) {
        metadata();
      } else {
        entries.add(entry(name));
      }
      TensorHeader.requireFew(entries.size());
    }
    json.endObject();
    expect(JsonToken.END_DOCUMENT, "nothing after its object");
    return entries;
  }

  private void metadata() throws IOException, InvalidFileException {
    expect(JsonToken.BEGIN_OBJECT, METADATA + " as an object of strings");
    Set<String> keys = new HashSet<>();
    json.beginObject();
    while (json.hasNext()) {
      String key = key(keys, METADATA);
      expect(JsonToken.STRING, METADATA + "." + Printable.name(key) + " as a string");
      json.nextString();
    }
    json.endObject();
  }

  private Entry entry(String name) throws IOException, InvalidFileException {
    String shown = Printable.name(name);
    expect(JsonToken.BEGIN_OBJECT, shown + " as an object");
    DType dtype = null;
    Shape shape = null;
    long[] offsets = null;
    Set<String> keys = new HashSet<>();
    json.beginObject();
    while (json.hasNext()) {
      switch (key(keys, shown)) {
        case "dtype" -> dtype = dtype(shown);
        case "shape" -> shape = TensorHeader.shape(name, integers(shown + ".shape"));
        case "data_offsets" -> offsets = integers(shown + ".data_offsets");
        default -> throw new InvalidFileException(shown + " has a key this format does not know");
      }
    }
    json.endObject();
    if (dtype == null || shape == null || offsets == null || offsets.length != 2) {
      throw new InvalidFileException(shown + " lacks dtype, shape or its two data_offsets");
    }
    return new Entry(name, dtype, shape, offsets[0], offsets[1]);
  }

  private DType dtype(String shown) throws IOException, InvalidFileException {
    expect(JsonToken.STRING, shown + ".dtype as a string");
    String dtype = json.nextString();
    return switch (dtype) {
      case "F32" -> DType.FLOAT32;
      case "F64" -> DType.FLOAT64;
      case "F16" -> DType.FLOAT16;
      case "BF16" -> DType.BFLOAT16;
      default ->
          throw new InvalidFileException(
              "%s has dtype %s; only F32, F16, BF16 and F64 are read"
                  .formatted(shown, Printable.name(dtype)));
    };
  }

  private long[] integers(String what) throws IOException, InvalidFileException {
    expect(JsonToken.BEGIN_ARRAY, what + " as an array");
    long[] values = new long[TensorHeader.MAX_RANK];
    int count = 0;
    json.beginArray();
    while (json.hasNext()) {
      if (count == values.length) {
        throw new InvalidFileException(what + " has more than " + values.length + " numbers");
      }
      values[count++] = integer(what);
    }
    json.endArray();
    return Arrays.copyOf(values, count);
  }

  private long integer(String what) throws IOException, InvalidFileException {
    expect(JsonToken.NUMBER, what + " with numbers only");
    String digits = json.nextString();
    boolean canonical =
        digits.length() <= MAX_DIGITS
            && digits.chars().allMatch(c -> c >= '0' && c <= '9')
            && (digits.length() == 1 || digits.charAt(0) != '0');
    if (!canonical) {
      throw new InvalidFileException(
          what + " has " + Printable.name(digits) + ", not a plain non-negative integer");
    }
    return Long.parseLong(digits);
  }

  private String key(Set<String> seen, String where) throws IOException, InvalidFileException {
    String key = json.nextName();
    if (!seen.add(key)) {
      throw new InvalidFileException(where + " has the key " + Printable.name(key) + " twice");
    }
    return key;
  }

  private void expect(JsonToken token, String wanted) throws IOException, InvalidFileException {
    if (json.peek() != token) {
      throw new InvalidFileException("the header must have " + wanted);
    }
  }
}
