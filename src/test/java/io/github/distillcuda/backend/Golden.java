package io.github.distillcuda.backend;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * The golden files, which {@code src/test/python/make_golden.py} writes: {@code golden.json} says
 * what the cases are and where in {@code golden.bin} their numbers stand.
 */
public final class Golden {
  private static final ByteBuffer NUMBERS =
      ByteBuffer.wrap(bytes("golden.bin")).order(ByteOrder.LITTLE_ENDIAN);
  private static final JsonObject INDEX =
      JsonParser.parseString(new String(bytes("golden.json"), StandardCharsets.UTF_8))
          .getAsJsonObject();

  private Golden() {}

  /** Returns a file as it is. */
  static byte[] bytes(String file) {
    try (InputStream stream = Golden.class.getResourceAsStream("/golden/" + file)) {
      return stream.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns a section of the index that describes one thing. */
  public static JsonObject section(String name) {
    return INDEX.getAsJsonObject(name);
  }

  /** Returns a section of the index that lists cases. */
  public static JsonArray list(String name) {
    return INDEX.getAsJsonArray(name);
  }

  /** Returns the array of that name, whatever type it is stored in; every type fits a double. */
  static double[] doubles(String name) {
    JsonObject array = section("arrays").getAsJsonObject(name);
    int offset = array.get("offset").getAsInt();
    String type = array.get("dtype").getAsString();
    double[] values = new double[elements(array)];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (type) {
            case "float64" -> NUMBERS.getDouble(offset + i * Double.BYTES);
            case "float32" -> NUMBERS.getFloat(offset + i * Float.BYTES);
            case "int32" -> NUMBERS.getInt(offset + i * Integer.BYTES);
            default -> throw new IllegalStateException(name + " is " + type);
          };
    }
    return values;
  }

  /** Returns the array of that name, which holds float32 numbers. */
  public static float[] floats(String name) {
    double[] values = doubles(name);
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  /** Returns a list of numbers of the index. */
  static double[] numbers(JsonElement list) {
    return list.getAsJsonArray().asList().stream().mapToDouble(JsonElement::getAsDouble).toArray();
  }

  /** Returns a list of whole numbers of the index. */
  public static int[] integers(JsonElement list) {
    return list.getAsJsonArray().asList().stream().mapToInt(JsonElement::getAsInt).toArray();
  }

  private static int elements(JsonObject array) {
    int elements = 1;
    for (int extent : integers(array.get("shape"))) {
      elements *= extent;
    }
    return elements;
  }
}
