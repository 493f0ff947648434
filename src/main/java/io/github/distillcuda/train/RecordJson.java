package io.github.distillcuda.train;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Records as JSON and back, without loss. Gson alone would put a zero or a null where a component
 * is missing, and a resumed run would go on to other bits.
 */
final class RecordJson {
  /** Nulls are written, so that what is absent was lost or belongs to another version. */
  private static final Gson GSON =
      new GsonBuilder().serializeNulls().setPrettyPrinting().disableHtmlEscaping().create();

  /** The components, of all records that are kept, that may be null. */
  private static final Set<String> NULLABLE =
      Set.of(
          "teacherFile",
          "teacherSha256",
          "dataDirectory",
          "subset",
          "trainSeconds",
          "finalLoss",
          "agreementWithTeacher",
          "loadedFrom");

  private RecordJson() {}

  static JsonObject write(Record object) {
    return GSON.toJsonTree(object).getAsJsonObject();
  }

  static String text(Record object) {
    return GSON.toJson(object) + "\n";
  }

  /**
   * Returns the record.
   *
   * @throws JsonParseException naming the first thing that is missing, unknown or of another type
   */
  static <T extends Record> T read(JsonElement json, Class<T> type) {
    T object = constructed(json, type);
    JsonElement understood = GSON.toJsonTree(object);
    List<String> differences = JsonLeaves.differences(json, understood);
    if (!differences.isEmpty()) {
      throw new JsonParseException(differences.getFirst());
    }
    for (Map.Entry<String, String> leaf : JsonLeaves.of(understood).entrySet()) {
      String component = leaf.getKey().replaceFirst(".*\\.", "");
      if (leaf.getValue().equals("null") && !NULLABLE.contains(component)) {
        throw new JsonParseException(leaf.getKey() + ": null");
      }
    }
    return object;
  }

  private static <T> T constructed(JsonElement json, Class<T> type) {
    try {
      return GSON.fromJson(json, type);
    } catch (JsonParseException e) {
      throw e;
    } catch (RuntimeException e) {
      // How gson passes on what the constructor of a record says of its arguments.
      if (e.getCause() instanceof IllegalArgumentException refused) {
        throw new JsonParseException(refused.getMessage(), refused);
      }
      throw e;
    }
  }
}
