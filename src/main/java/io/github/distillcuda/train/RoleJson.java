package io.github.distillcuda.train;

import com.google.gson.JsonParseException;
import com.google.gson.TypeAdapter;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.util.Arrays;

/** A role by its name in files, {@code teacher}, where Gson alone has {@code TEACHER}. */
final class RoleJson extends TypeAdapter<ModelRole> {
  @Override
  public void write(JsonWriter out, ModelRole role) throws IOException {
    out.value(role.toString());
  }

  @Override
  public ModelRole read(JsonReader in) throws IOException {
    String name = in.nextString();
    return Arrays.stream(ModelRole.values())
        .filter(role -> role.toString().equals(name))
        .findFirst()
        .orElseThrow(() -> new JsonParseException("model: " + name));
  }
}
