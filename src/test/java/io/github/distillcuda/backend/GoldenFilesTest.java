package io.github.distillcuda.backend;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.List;
import org.junit.jupiter.api.Test;

class GoldenFilesTest {
  @Test
  void bothSidesHaveTheSameHash() {
    for (JsonElement entry : Golden.list("hash")) {
      JsonObject known = entry.getAsJsonObject();
      List<String> values =
          known.getAsJsonArray("values").asList().stream().map(JsonElement::getAsString).toList();
      for (int index = 0; index < values.size(); index++) {
        assertThat(GoldenHash.hash(known.get("seed").getAsLong(), index))
            .as("hash(%s, %d)", known.get("seed"), index)
            .isEqualTo(Long.parseUnsignedLong(values.get(index), 16));
      }
    }
  }

  @Test
  void theyStaySmallEnoughForARepository() {
    assertThat(Golden.bytes("golden.json").length + Golden.bytes("golden.bin").length)
        .isLessThan(1_000_000);
  }
}
