package io.github.distillcuda.train;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** A JSON value as a flat list: the path of every leaf, such as {@code position.epoch}, to text. */
final class JsonLeaves {
  private JsonLeaves() {}

  /** Returns the leaves in their order; null, empty objects and empty arrays are leaves too. */
  static Map<String, String> of(JsonElement value) {
    Map<String, String> leaves = new LinkedHashMap<>();
    collect("", value, leaves);
    return leaves;
  }

  /** Returns {@code path: before, now after} for every leaf that is not the same in both. */
  static List<String> differences(JsonElement before, JsonElement now) {
    Map<String, String> old = of(before);
    Map<String, String> current = of(now);
    Set<String> paths = new LinkedHashSet<>(old.keySet());
    paths.addAll(current.keySet());
    List<String> differences = new ArrayList<>();
    for (String path : paths) {
      if (!Objects.equals(old.get(path), current.get(path))) {
        differences.add(
            "%s: %s, now %s"
                .formatted(
                    path,
                    old.getOrDefault(path, "nothing"),
                    current.getOrDefault(path, "nothing")));
      }
    }
    return differences;
  }

  private static void collect(String path, JsonElement value, Map<String, String> leaves) {
    switch (value) {
      case JsonObject object when !object.isEmpty() ->
          object
              .asMap()
              .forEach(
                  (name, child) ->
                      collect(path.isEmpty() ? name : path + "." + name, child, leaves));
      case JsonArray array when !array.isEmpty() -> {
        for (int i = 0; i < array.size(); i++) {
          collect(path + "[" + i + "]", array.get(i), leaves);
        }
      }
      default -> leaves.put(path, value.isJsonPrimitive() ? value.getAsString() : value.toString());
    }
  }
}
