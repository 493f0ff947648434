package io.github.distillcuda.cli;

import io.github.distillcuda.train.ModelResult;
import io.github.distillcuda.train.RunMetrics;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The table at the end of a run, and the sentence below it. */
final class ResultTable {
  private static final List<String> HEADINGS =
      List.of(
          "model", "parameters", "size", "train", "best", "last", "vs baseline", "like teacher");

  private ResultTable() {}

  static String format(RunMetrics metrics) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(HEADINGS);
    ModelResult baseline = metrics.models().get("baseline");
    for (Map.Entry<String, ModelResult> model : metrics.models().entrySet()) {
      rows.add(row(model.getKey(), model.getValue(), baseline));
    }
    StringBuilder table = new StringBuilder();
    for (List<String> row : rows) {
      for (int column = 0; column < row.size(); column++) {
        int width = width(rows, column);
        table.append(
            column == 0
                ? String.format(Locale.ROOT, "%-" + width + "s", row.get(column))
                : String.format(Locale.ROOT, "  %" + width + "s", row.get(column)));
      }
      table.append(System.lineSeparator());
    }
    return table.append(sentence(metrics)).toString();
  }

  private static int width(List<List<String>> rows, int column) {
    return rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(0);
  }

  private static List<String> row(String model, ModelResult r, ModelResult baseline) {
    boolean compare = baseline != null && !model.equals("baseline");
    return List.of(
        model,
        String.format(Locale.ROOT, "%,d", r.parameters()),
        String.format(Locale.ROOT, "%.1f MB", r.parameters() * 4 / 1e6),
        r.trainSeconds() == null
            ? "loaded"
            : String.format(Locale.ROOT, "%.1f s", r.trainSeconds()),
        percent(r.bestTestAccuracy()),
        percent(r.lastTestAccuracy()),
        compare ? points(r.lastTestAccuracy() - baseline.lastTestAccuracy()) : "",
        r.agreementWithTeacher() == null ? "" : percent(r.agreementWithTeacher()));
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.2f %%", 100 * share);
  }

  private static String points(double difference) {
    return String.format(Locale.ROOT, "%+.2f", 100 * difference);
  }

  private static String sentence(RunMetrics metrics) {
    ModelResult baseline = metrics.models().get("baseline");
    ModelResult student = metrics.models().get("student");
    String data = "on " + metrics.dataset().name() + ", seed " + metrics.seed();
    if (baseline == null || student == null) {
      return "Test accuracies " + data + "; one seed: not a conclusion.";
    }
    double gain = 100 * (student.lastTestAccuracy() - baseline.lastTestAccuracy());
    return String.format(
        Locale.ROOT,
        "The distilled student ends %.2f points %s its baseline %s; one seed: not a conclusion.",
        Math.abs(gain),
        gain >= 0 ? "above" : "below",
        data);
  }
}
