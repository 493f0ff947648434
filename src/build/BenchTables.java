import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Writes the tables of {@code bench/README.md} that stand between {@code <!-- table: NAME -->} and
 * {@code <!-- end -->} from the rows of {@code bench/results}, of the last run in each file. With
 * {@code --check} it changes nothing and fails where they differ. Run in any Java from 17 on, in
 * the root of the checkout; one file, since Java before 22 runs no more than one from its source.
 */
public class BenchTables {
  private static final Path README = Path.of("bench", "README.md");
  private static final Path RESULTS = Path.of("bench", "results");
  private static final Pattern TABLE =
      Pattern.compile("(<!-- table: ([a-z ]+) -->\n).*?(<!-- end -->)", Pattern.DOTALL);

  private static final String LOSS = "distillation loss + gradient";
  private static final String RUNG = "distillation loss by rung";

  /** Runs. */
  public static void main(String[] arguments) throws IOException {
    String before = Files.readString(README);
    StringBuilder after = new StringBuilder();
    Matcher table = TABLE.matcher(before);
    while (table.find()) {
      table.appendReplacement(
          after,
          Matcher.quoteReplacement(table.group(1) + generate(table.group(2)) + table.group(3)));
    }
    table.appendTail(after);
    boolean isCheck = arguments.length > 0 && arguments[0].equals("--check");
    if (!isCheck) {
      Files.writeString(README, after, StandardCharsets.UTF_8);
    } else if (!before.contentEquals(after)) {
      System.err.println(
          "error: the tables of bench/README.md are not those of bench/results: run java"
              + " src/build/BenchTables.java");
      System.exit(1);
    }
  }

  private static String generate(String name) throws IOException {
    switch (name) {
      case "ceilings":
        return ceilings();
      case "loss":
        return loss();
      case "rungs":
        return kernels(true);
      case "kernels":
        return kernels(false);
      case "runs":
        return runs();
      case "stages":
        return stages();
      case "layers":
        return layers();
      case "accuracy":
        return accuracy();
      case "host":
        return host();
      case "cpu loss":
        return cpuLoss();
      default:
        throw new IllegalArgumentException("bench/README.md: no table is called " + name);
    }
  }

  private static String ceilings() throws IOException {
    List<Map<String, String>> rows = kernels("ceiling"::equals);
    StringBuilder text = new StringBuilder(where(rows));
    text.append("| ceiling | µs | GB/s |\n|---|---|---|\n");
    for (Map<String, String> row : rows) {
      boolean moves = !row.get("floor_bytes").equals("0");
      text.append(line(row.get("variant"), row.get("p50_us"), moves ? row.get("gbps") : "none"));
    }
    return text.toString();
  }

  /** A line a shape: the fused loss, and how many times as long the others take. */
  private static String loss() throws IOException {
    List<Map<String, String>> rows = kernels(LOSS::equals);
    List<Map<String, String>> peers = lastRun("gpu-loss-peers.csv");
    Map<String, Map<String, Map<String, String>>> shapes = new LinkedHashMap<>();
    for (Map<String, String> row : rows) {
      // The first launch of a chain may know the elements only; the floor names the shape.
      shapes
          .computeIfAbsent(
              row.get("floor_bytes") + row.get("cache"), first -> new LinkedHashMap<>())
          .put(row.get("variant"), row);
    }
    List<String> modes = List.of("eager", "eager in a graph", "compiled", "compiled in a graph");
    StringBuilder text = new StringBuilder(where(rows));
    text.append("| N x C | cache | fused, µs | GB/s | of the copy | with the count, µs |");
    text.append(" formulas | eager chain |");
    modes.forEach(mode -> text.append(" PyTorch ").append(mode).append(" |"));
    text.append("\n|").append("---|".repeat(8 + modes.size())).append("\n");
    for (Map<String, Map<String, String>> forms : shapes.values()) {
      Map<String, String> fused = forms.get("fused");
      if (fused == null) {
        continue;
      }
      String n = size(fused, "rows");
      String c = size(fused, "classes");
      List<String> cells = new ArrayList<>();
      // Three matrices and 16 bytes a row.
      double elements = 3 * Double.parseDouble(n) * Double.parseDouble(c);
      boolean bfloat16 = Double.parseDouble(fused.get("floor_bytes")) < 3 * elements;
      cells.add(grouped(n) + " x " + grouped(c) + (bfloat16 ? ", bfloat16" : ""));
      cells.add(fused.get("cache"));
      cells.add(decimals(fused.get("p50_us"), 2));
      cells.add(decimals(fused.get("gbps"), 0));
      cells.add(decimals(fused.get("percent_of_copy"), 1) + " %");
      Map<String, String> counted = forms.get("fused and counted");
      cells.add(counted == null ? "not measured" : decimals(counted.get("p50_us"), 2));
      cells.add(times(forms.get("formulas"), fused));
      cells.add(times(forms.get("eager chain"), fused));
      for (String mode : modes) {
        Map<String, String> peer = null;
        for (Map<String, String> row : peers) {
          if (row.get("mode").equals(mode + (bfloat16 ? " bfloat16" : ""))
              && row.get("rows").equals(n)
              && row.get("classes").equals(c)
              && row.get("cache").equals(fused.get("cache"))
              && !row.get("p50_us").isEmpty()) {
            peer = row;
          }
        }
        cells.add(times(peer, fused));
      }
      text.append(line(cells.toArray(String[]::new)));
    }
    return text.toString();
  }

  /** A row a rung and shape; of every other kernel its largest size in a cold cache. */
  private static String kernels(boolean rungs) throws IOException {
    List<Map<String, String>> rows =
        kernels(
            operation ->
                !operation.equals("ceiling")
                    && !operation.equals(LOSS)
                    && operation.equals(RUNG) == rungs);
    if (!rungs) {
      Map<String, Map<String, String>> largest = new LinkedHashMap<>();
      for (Map<String, String> row : rows) {
        largest.merge(row.get("variant"), row, (a, b) -> weight(b) >= weight(a) ? b : a);
      }
      rows = List.copyOf(largest.values());
    }
    StringBuilder text = new StringBuilder(where(rows));
    text.append("| kernel | sizes | cache | µs (p10 to p90) | GB/s | of the copy |\n");
    text.append("|---|---|---|---|---|---|\n");
    for (Map<String, String> row : rows) {
      text.append(
          line(
              "`" + row.get("variant") + "`",
              row.get("sizes").replaceAll("[{}]", ""),
              row.get("cache"),
              "%s (%s to %s)"
                  .formatted(
                      decimals(row.get("p50_us"), 2),
                      decimals(row.get("p10_us"), 2),
                      decimals(row.get("p90_us"), 2)),
              decimals(row.get("gbps"), 0),
              decimals(row.get("percent_of_copy"), 1) + " %"));
    }
    return text.toString();
  }

  /** The bytes that a row moves; a warm cache counts less than any cold one. */
  private static double weight(Map<String, String> row) {
    double bytes = number(row.get("floor_bytes"));
    return row.get("cache").equals("cold") ? bytes : bytes - 1e18;
  }

  /** Steps and ten epochs: ours, and PyTorch's best layout. */
  private static String runs() throws IOException {
    List<Map<String, String>> rows = lastRun("gpu-runs.csv");
    if (rows.isEmpty()) {
      return "Not yet measured on a GPU.\n";
    }
    StringBuilder text = new StringBuilder(where(rows));
    text.append("| | teacher | batch | µs a step (p10 to p90) | ten epochs, s |\n");
    text.append("|---|---|---|---|---|\n");
    for (Map<String, String> row : rows) {
      text.append(
          line(
              "layers %s, loss %s, %s"
                  .formatted(row.get("layers"), row.get("kernels"), row.get("precision")),
              row.get("teacher"),
              row.get("batch"),
              spread(row),
              decimals(row.get("ten_epochs_s"), 3)));
    }
    Map<String, Map<String, String>> best = new LinkedHashMap<>();
    for (Map<String, String> row : lastRun("gpu-step-peers.csv")) {
      if (!row.get("p50_us").isEmpty()) {
        best.merge(
            row.get("mode") + row.get("batch") + row.get("teacher") + row.get("precision"),
            row,
            (a, b) -> number(a.get("p50_us")) <= number(b.get("p50_us")) ? a : b);
      }
    }
    for (Map<String, String> row : best.values()) {
      text.append(
          line(
              "PyTorch %s, %s, %s"
                  .formatted(row.get("mode"), row.get("layout"), row.get("precision")),
              row.get("teacher"),
              row.get("batch"),
              spread(row),
              decimals(row.get("ten_epochs_s"), 3) + " (from the step)"));
    }
    return text.toString();
  }

  /** The steps of the last run, each as its rows: the step as one graph first, then its stages. */
  private static Map<String, List<Map<String, String>>> steps() throws IOException {
    Map<String, List<Map<String, String>>> steps = new LinkedHashMap<>();
    for (Map<String, String> row : lastRun("gpu-stages.csv")) {
      String variant =
          "layers %s, loss %s, %s, %s, batch %s"
              .formatted(
                  row.get("layers"),
                  row.get("kernels"),
                  row.get("precision"),
                  row.get("teacher"),
                  row.get("batch"));
      steps.computeIfAbsent(variant, first -> new ArrayList<>()).add(row);
    }
    // A time limit may have cut the last one short.
    steps.values().removeIf(rows -> !rows.get(rows.size() - 1).get("stage").equals("advance"));
    return steps;
  }

  /** Where the time of a step goes: each of its operations by itself, and their sum. */
  private static String stages() throws IOException {
    Map<String, List<Map<String, String>>> steps = steps();
    if (steps.isEmpty()) {
      return "Not yet measured on a GPU.\n";
    }
    List<Map<String, String>> first = steps.values().iterator().next();
    StringBuilder text = new StringBuilder(where(first));
    text.append(
        "A copy moved %s GB/s in this run, a graph's node took %s µs.\n\n"
            .formatted(
                decimals(first.get(0).get("copy_gbps"), 0),
                decimals(first.get(0).get("node_us"), 2)));
    text.append(
        "| | floors, µs | stages one by one, µs | the step as one graph, µs | gained by overlap"
            + " |\n");
    text.append("|---|---|---|---|---|\n");
    steps.forEach(
        (variant, rows) -> {
          double step = number(rows.get(0).get("p50_us"));
          double stages = sum(rows, "p50_us");
          text.append(
              line(
                  variant,
                  "%,.1f".formatted(sum(rows, "floor_us")),
                  "%,.1f".formatted(stages),
                  spread(rows.get(0)),
                  "%.0f %%".formatted(100 * (1 - step / stages))));
        });
    steps.forEach(
        (variant, rows) -> {
          if (variant.matches(
              "layers fused, loss fused, (tf32|bf16), recomputed, batch (64|1024)")) {
            text.append("\n").append(stagesOf(variant, rows));
          }
        });
    return text.toString();
  }

  private static String stagesOf(String variant, List<Map<String, String>> rows) {
    double step = number(rows.get(0).get("p50_us"));
    StringBuilder text = new StringBuilder();
    text.append("| ").append(variant);
    text.append(" | floor, µs | measured, µs (p10 to p90) | gap | of the step |\n");
    text.append("|---|---|---|---|---|\n");
    for (Map<String, String> row : rows.subList(1, rows.size())) {
      double measured = number(row.get("p50_us"));
      text.append(
          line(
              (row.get("network") + " " + row.get("stage")).strip(),
              decimals(row.get("floor_us"), 2),
              "%s (%s to %s)"
                  .formatted(
                      decimals(row.get("p50_us"), 2),
                      decimals(row.get("p10_us"), 2),
                      decimals(row.get("p90_us"), 2)),
              "%.1fx".formatted(measured / number(row.get("floor_us"))),
              "%.1f %%".formatted(100 * measured / step)));
    }
    return text.toString();
  }

  /** The sum over the stages of a step. */
  private static double sum(List<Map<String, String>> rows, String column) {
    return rows.subList(1, rows.size()).stream().mapToDouble(row -> number(row.get(column))).sum();
  }

  /** What a layer takes one way, all its stages together, beside PyTorch's layer in a graph. */
  private static String layers() throws IOException {
    Map<String, Map<String, String>> peers = new LinkedHashMap<>();
    for (Map<String, String> row : lastRun("gpu-layer-peers.csv")) {
      if (!row.get("p50_us").isEmpty()) {
        peers.merge(
            layer(row, row.get("network") + " " + row.get("layer") + " " + row.get("direction")),
            row,
            (a, b) -> number(a.get("p50_us")) <= number(b.get("p50_us")) ? a : b);
      }
    }
    Map<String, Double> ours = new LinkedHashMap<>();
    for (List<Map<String, String>> rows : steps().values()) {
      boolean backward = false;
      for (Map<String, String> row : rows) {
        backward |= row.get("stage").equals("row sums");
        if (row.get("kernels").equals("fused")
            && row.get("teacher").equals("recomputed")
            && !row.get("network").isEmpty()) {
          String name = row.get("stage").split(" ")[0] + (backward ? " backward" : " forward");
          ours.merge(
              layer(row, row.get("network") + " " + name) + " | " + row.get("layers"),
              number(row.get("p50_us")),
              Double::sum);
        }
      }
    }
    if (peers.isEmpty() || ours.isEmpty()) {
      return "Not yet measured on a GPU.\n";
    }
    StringBuilder text = new StringBuilder(where(lastRun("gpu-layer-peers.csv")));
    text.append(
        "| layer | layers fused, µs | layers cudnn, µs | PyTorch in a graph, µs | layout |\n");
    text.append("|---|---|---|---|---|\n");
    peers.forEach(
        (layer, row) ->
            text.append(
                line(
                    layer,
                    microseconds(ours.get(layer + " | fused")),
                    microseconds(ours.get(layer + " | cudnn")),
                    decimals(row.get("p50_us"), 2),
                    row.get("layout"))));
    return text.toString();
  }

  private static String layer(Map<String, String> row, String name) {
    return "%s, %s, batch %s".formatted(name, row.get("precision"), row.get("batch"));
  }

  private static String microseconds(Double value) {
    return value == null ? "not measured" : "%,.2f".formatted(value);
  }

  /** Best test accuracy of each model, the mean over the seeds. */
  private static String accuracy() throws IOException {
    List<Map<String, String>> rows = lastRun("gpu-run.csv");
    if (rows.isEmpty()) {
      return "Not yet measured on a GPU.\n";
    }
    Map<String, Map<String, Map<String, Map<String, String>>>> seeds = new TreeMap<>();
    for (Map<String, String> row : rows) {
      seeds
          .computeIfAbsent(
              "%s, %s, layers %s"
                  .formatted(row.get("side"), row.get("precision"), row.get("layers")),
              first -> new TreeMap<>())
          .computeIfAbsent(row.get("model"), first -> new TreeMap<>())
          .put(row.get("seed"), row);
    }
    StringBuilder text = new StringBuilder(where(rows));
    text.append("| | seeds | teacher | baseline | student |\n|---|---|---|---|---|\n");
    seeds.forEach(
        (name, models) ->
            text.append(
                line(
                    name,
                    String.join(", ", models.values().iterator().next().keySet()),
                    mean(models.get("teacher")),
                    mean(models.get("baseline")),
                    mean(models.get("student")))));
    return text.toString();
  }

  /** What the host does, each benchmark of JMH with its parameters. */
  private static String host() throws IOException {
    List<Map<String, String>> rows = lastRun("host.csv");
    if (rows.isEmpty()) {
      return "No figures of these have been published yet.\n";
    }
    Map<String, String> last = rows.get(rows.size() - 1);
    StringBuilder text =
        new StringBuilder(
            "%s, %s cores, %s machine, Java %s, %s, commit %s:\n\n"
                .formatted(
                    last.get("cpu"),
                    last.get("cores"),
                    last.get("machine"),
                    last.get("java"),
                    last.get("date"),
                    last.get("commit")));
    text.append(
        "| benchmark | parameters | time of an operation | half of its 99.9 % interval |\n");
    text.append("|---|---|---|---|\n");
    for (Map<String, String> row : rows) {
      text.append(
          line(
              "`" + row.get("benchmark") + "`",
              row.get("parameters"),
              time(row.get("value"), row.get("unit")),
              time(row.get("error"), row.get("unit"))));
    }
    return text.toString();
  }

  /** The loss on plain arrays against PyTorch: a line for a shape and a number of threads. */
  private static String cpuLoss() throws IOException {
    Map<String, List<Map<String, String>>> rounds = new LinkedHashMap<>();
    for (Map<String, String> row : lastRun("cpu-loss.csv")) {
      if (row.get("side").equals("distill-cuda")) {
        rounds
            .computeIfAbsent(
                "%s x %s | %s"
                    .formatted(row.get("rows"), grouped(row.get("classes")), row.get("threads")),
                first -> new ArrayList<>())
            .add(row);
      }
    }
    if (rounds.isEmpty()) {
      return "No figures of these have been published yet.\n";
    }
    StringBuilder text = new StringBuilder();
    rounds.forEach(
        (setting, rows) -> {
          if (text.isEmpty()) {
            Map<String, String> row = rows.get(0);
            text.append(
                "%s, %s cores, %s machine, %s, commit %s, medians of %d rounds:\n\n"
                    .formatted(
                        row.get("cpu"),
                        row.get("cores"),
                        row.get("machine"),
                        row.get("date"),
                        row.get("commit"),
                        rows.size()));
            text.append("| N x C | threads | time | PyTorch float32 | PyTorch float64 |\n");
            text.append("|---|---|---|---|---|\n");
          }
          text.append(
              line(
                  setting,
                  time(String.valueOf(median(rows, "us")), "us/op"),
                  "%.2fx".formatted(median(rows, "times_faster_float32")),
                  "%.2fx".formatted(median(rows, "times_faster_float64"))));
        });
    return text.toString();
  }

  private static double median(List<Map<String, String>> rows, String column) {
    double[] values = rows.stream().mapToDouble(row -> number(row.get(column))).sorted().toArray();
    return values[values.length / 2];
  }

  /** Three digits that mean something, and the unit; empty where there is no value. */
  private static String time(String value, String unit) {
    if (value.isEmpty()) {
      return "";
    }
    int digits = (int) Math.floor(Math.log10(number(value))) + 1;
    return decimals(value, Math.max(0, 3 - digits))
        + " "
        + unit.replace("us/op", "µs").replace("/op", "");
  }

  /** The last epoch's accuracy, and the best one's in brackets. */
  private static String mean(Map<String, Map<String, String>> bySeed) {
    return bySeed == null
        ? ""
        : "%.2f %% (%.2f)".formatted(mean(bySeed, "last"), mean(bySeed, "best"));
  }

  private static double mean(Map<String, Map<String, String>> bySeed, String column) {
    return bySeed.values().stream()
        .mapToDouble(row -> 100 * number(row.get(column)))
        .average()
        .orElse(0);
  }

  private static String spread(Map<String, String> row) {
    return "%s (%s to %s)"
        .formatted(
            decimals(row.get("p50_us"), 1),
            decimals(row.get("p10_us"), 1),
            decimals(row.get("p90_us"), 1));
  }

  private static String times(Map<String, String> row, Map<String, String> base) {
    return row == null
        ? "not measured"
        : "%.1fx".formatted(number(row.get("p50_us")) / number(base.get("p50_us")));
  }

  private static String size(Map<String, String> row, String name) {
    Matcher size = Pattern.compile("\\b" + name + "=(\\d+)").matcher(row.get("sizes"));
    if (!size.find()) {
      throw new IllegalArgumentException(name + " is not in " + row);
    }
    return size.group(1);
  }

  private static String grouped(String whole) {
    return "%,d".formatted(Long.parseLong(whole));
  }

  private static String decimals(String value, int count) {
    return ("%,." + count + "f").formatted(number(value));
  }

  private static double number(String value) {
    return Double.parseDouble(value);
  }

  private static String line(String... cells) {
    return "| " + String.join(" | ", cells) + " |\n";
  }

  /** What the rows of a table were measured on; each call that it has rows of. */
  private static String where(List<Map<String, String>> rows) {
    return rows.stream()
        .map(
            row ->
                "%s, driver %s, %s, commit %s"
                    .formatted(
                        row.get("device").replaceAll("^cuda:\\d+ | \\(.*", ""),
                        row.get("driver"),
                        row.get("date"),
                        row.get("commit")))
        .distinct()
        .collect(Collectors.joining("; ", "", ":\n\n"));
  }

  /** What several calls of a day and commit measured, such as the ceilings, by the last of them. */
  private static List<Map<String, String>> kernels(Predicate<String> operations)
      throws IOException {
    Map<String, Map<String, String>> rows = new LinkedHashMap<>();
    for (Map<String, String> row : lastRun("gpu-kernels.csv")) {
      if (operations.test(operation(row))) {
        // The floor tells types apart.
        rows.put(
            String.join(
                "|",
                operation(row),
                row.get("variant"),
                row.get("sizes"),
                row.get("cache"),
                row.get("floor_bytes")),
            row);
      }
    }
    return List.copyOf(rows.values());
  }

  /**
   * The newest rows of a file, those of one day, commit and machine; where a call measured some
   * operations only, the newest of each operation. None if there is no file.
   */
  private static List<Map<String, String>> lastRun(String file) throws IOException {
    Path path = RESULTS.resolve(file);
    if (!Files.exists(path)) {
      return List.of();
    }
    List<String> lines = Files.readAllLines(path);
    List<String> columns = cells(lines.get(0));
    List<Map<String, String>> rows = new ArrayList<>();
    for (String line : lines.subList(1, lines.size())) {
      List<String> cells = cells(line);
      Map<String, String> row = new LinkedHashMap<>();
      for (int i = 0; i < columns.size(); i++) {
        row.put(columns.get(i), cells.get(i));
      }
      rows.add(row);
    }
    Map<String, String> newest = new LinkedHashMap<>();
    rows.forEach(row -> newest.put(operation(row), call(row)));
    return rows.stream()
        .filter(row -> newest.get(operation(row)).equals(call(row)))
        .collect(Collectors.toList());
  }

  private static String operation(Map<String, String> row) {
    return row.getOrDefault("operation", "");
  }

  private static String call(Map<String, String> row) {
    return Stream.of("date", "commit", "cpu", "cores", "machine")
        .map(column -> row.getOrDefault(column, ""))
        .collect(Collectors.joining(","));
  }

  /** The cells of a line, some of them in quotes. */
  private static List<String> cells(String line) {
    List<String> cells = new ArrayList<>();
    StringBuilder cell = new StringBuilder();
    boolean quoted = false;
    for (char c : line.toCharArray()) {
      if (c == '"') {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        cells.add(cell.toString());
        cell.setLength(0);
      } else {
        cell.append(c);
      }
    }
    cells.add(cell.toString());
    return cells;
  }

  static {
    Locale.setDefault(Locale.ROOT);
  }
}
