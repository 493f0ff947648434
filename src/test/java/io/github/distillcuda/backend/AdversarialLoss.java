package io.github.distillcuda.backend;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.stream.Stream;

/**
 * A loss of the golden files that naive code gets wrong: saturated, infinite or missing logits,
 * extreme temperatures, absent labels. Results are the definition's in 60 digits.
 *
 * @param finite whether every logit that may be read is finite
 * @param gradientScale a row's sum of the largest elements of its gradient's two parts
 */
record AdversarialLoss(
    String name,
    LossSpec spec,
    float[] student,
    float[] teacher,
    int[] labels,
    boolean finite,
    double distillation,
    double crossEntropy,
    double loss,
    double[] gradient,
    double[] gradientScale) {
  static Stream<AdversarialLoss> all() {
    return Golden.list("adversarialLosses").asList().stream().map(e -> of(e.getAsJsonObject()));
  }

  private static AdversarialLoss of(JsonObject json) {
    return new AdversarialLoss(
        json.get("name").getAsString(),
        new LossSpec(json.get("temperature").getAsDouble(), json.get("alpha").getAsDouble()),
        narrowed(json.get("student")),
        json.get("teacher").isJsonNull() ? null : narrowed(json.get("teacher")),
        Golden.integers(json.get("labels")),
        json.get("finite").getAsBoolean(),
        json.get("distillation").getAsDouble(),
        json.get("crossEntropy").getAsDouble(),
        json.get("loss").getAsDouble(),
        flat(json.get("gradient")),
        Golden.numbers(json.get("gradientScale")));
  }

  private static double[] flat(JsonElement rows) {
    return rows.getAsJsonArray().asList().stream()
        .map(JsonElement::getAsJsonArray)
        .map(JsonArray::asList)
        .flatMap(List::stream)
        .mapToDouble(JsonElement::getAsDouble)
        .toArray();
  }

  /** Logits are written as the float32 numbers they are. */
  private static float[] narrowed(JsonElement rows) {
    double[] wide = flat(rows);
    float[] logits = new float[wide.length];
    for (int i = 0; i < wide.length; i++) {
      logits[i] = (float) wide[i];
    }
    return logits;
  }

  @Override
  public String toString() {
    return name;
  }
}
