package io.github.distillcuda.train;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import com.google.gson.TypeAdapter;
import com.google.gson.TypeAdapterFactory;
import com.google.gson.reflect.TypeToken;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;

/**
 * Values of enums in JSON as users type and read them, {@code fused}, where Gson alone has {@code
 * FUSED}.
 */
final class EnumWords implements TypeAdapterFactory {
  @Override
  public <T> TypeAdapter<T> create(Gson gson, TypeToken<T> type) {
    return new TypeAdapter<>() {
      @Override
      public void write(JsonWriter out, T value) throws IOException {
        out.value(value.toString());
      }

      @Override
      @SuppressWarnings("unchecked")
      public T read(JsonReader in) throws IOException {
        String word = in.nextString();
        for (Object value : type.getRawType().getEnumConstants()) {
          if (value.toString().equals(word)) {
            return (T) value;
          }
        }
        String component = in.getPreviousPath().replaceFirst(".*\\.", "");
        throw new JsonParseException("%s: %s".formatted(component, word));
      }
    };
  }
}
