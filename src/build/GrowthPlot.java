import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Draws {@code bench/results/cpu-growth.svg} from the last run in {@code cpu-growth.csv}: the time
 * of an image over the batch of a step, and over the images of a run. With {@code --check} it
 * changes nothing and fails where the picture is not that of the rows. Run in any Java from 17 on,
 * in the root of the checkout.
 */
public class GrowthPlot {
  private static final Path ROWS = Path.of("bench", "results", "cpu-growth.csv");
  private static final Path PICTURE = Path.of("bench", "results", "cpu-growth.svg");
  private static final int WIDTH = 420;
  private static final int HEIGHT = 300;
  private static final int LEFT = 60;
  private static final int TOP = 40;

  /** Four that the colour-blind tell apart, too. */
  private static final List<String> COLOURS = List.of("#0072b2", "#56b4e9", "#d55e00", "#e69f00");

  /** Runs. */
  public static void main(String[] arguments) throws IOException {
    String drawn = Files.exists(ROWS) ? draw(lastRun()) : "";
    String before = Files.exists(PICTURE) ? Files.readString(PICTURE) : "";
    boolean isCheck = arguments.length > 0 && arguments[0].equals("--check");
    if (isCheck && !before.equals(drawn)) {
      System.err.println(
          "error: cpu-growth.svg is not the picture of cpu-growth.csv: run java"
              + " src/build/GrowthPlot.java");
      System.exit(1);
    }
    if (!isCheck && !drawn.isEmpty()) {
      Files.writeString(PICTURE, drawn, StandardCharsets.UTF_8);
    }
  }

  private static String draw(List<Map<String, String>> rows) {
    StringBuilder svg = new StringBuilder();
    int width = 2 * (LEFT + WIDTH) + 20;
    int height = TOP + HEIGHT + 50;
    svg.append(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
            .formatted(width, height));
    svg.append("<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n".formatted(width, height));
    panel(
        svg,
        LEFT,
        "images of a step",
        medians(rows, row -> row.get("what").endsWith(" step") ? row.get("batch") : ""));
    panel(
        svg,
        2 * LEFT + WIDTH,
        "images of the data set, one epoch of each model",
        medians(
            rows,
            row ->
                List.of("student epoch", "whole process").contains(row.get("what"))
                    ? row.get("images")
                    : ""));
    return svg.append("</svg>\n").toString();
  }

  /** Returns the median time by series and position; rows whose position is empty are left out. */
  private static Map<String, Map<Integer, Double>> medians(
      List<Map<String, String>> rows, Function<Map<String, String>, String> position) {
    Map<String, Map<Integer, List<Double>>> all = new TreeMap<>();
    for (Map<String, String> row : rows) {
      String x = position.apply(row);
      if (!x.isEmpty()) {
        all.computeIfAbsent(
                row.get("side").replace("pytorch", "PyTorch") + ", " + row.get("what"),
                first -> new TreeMap<>())
            .computeIfAbsent(Integer.valueOf(x), first -> new ArrayList<>())
            .add(Double.valueOf(row.get("us_per_image")));
      }
    }
    Map<String, Map<Integer, Double>> medians = new LinkedHashMap<>();
    // Capitals sort first: distill-cuda is to come before PyTorch.
    all.entrySet().stream()
        .sorted(Map.Entry.comparingByKey(String.CASE_INSENSITIVE_ORDER))
        .forEach(
            series -> {
              Map<Integer, Double> points = new TreeMap<>();
              series.getValue().forEach((x, times) -> points.put(x, median(times)));
              medians.put(series.getKey(), points);
            });
    return medians;
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }

  private static void panel(
      StringBuilder svg, int left, String axis, Map<String, Map<Integer, Double>> series) {
    if (series.isEmpty()) {
      return;
    }
    int[] xs =
        series.values().stream()
            .flatMap(points -> points.keySet().stream())
            .mapToInt(Integer::intValue)
            .sorted()
            .distinct()
            .toArray();
    double largest =
        series.values().stream()
            .flatMap(points -> points.values().stream())
            .mapToDouble(Double::doubleValue)
            .max()
            .orElseThrow();
    double unit = roundUp(largest / 5);
    double top = unit * Math.ceil(largest / unit);
    text(svg, left, TOP - 20, "start", "µs an image");
    for (int i = 0; i * unit <= top + unit / 2; i++) {
      double y = y(i * unit, top);
      svg.append("<path d=\"M%d %.1fh%d\" stroke=\"#ddd\"/>\n".formatted(left, y, WIDTH));
      text(svg, left - 6, y + 4, "end", grouped(i * unit));
    }
    for (int x : xs) {
      text(svg, x(x, xs, left), TOP + HEIGHT + 18, "middle", grouped(x));
    }
    text(svg, left + WIDTH / 2.0, TOP + HEIGHT + 38, "middle", axis);
    int number = 0;
    for (Map.Entry<String, Map<Integer, Double>> line : series.entrySet()) {
      String colour = COLOURS.get(number % COLOURS.size());
      String points =
          line.getValue().entrySet().stream()
              .map(p -> "%.1f,%.1f".formatted(x(p.getKey(), xs, left), y(p.getValue(), top)))
              .collect(Collectors.joining(" "));
      svg.append(
          "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n"
              .formatted(points, colour));
      for (String point : points.split(" ")) {
        String[] place = point.split(",");
        svg.append(
            "<circle cx=\"%s\" cy=\"%s\" r=\"3\" fill=\"%s\"/>\n"
                .formatted(place[0], place[1], colour));
      }
      double keyY = TOP - 6 - 16.0 * (number / 2);
      double keyX = left + 120 + 150.0 * (number % 2);
      svg.append(
          "<path d=\"M%.1f %.1fh14\" stroke=\"%s\" stroke-width=\"2\"/>\n"
              .formatted(keyX, keyY, colour));
      text(svg, keyX + 18, keyY + 4, "start", line.getKey());
      number++;
    }
  }

  /** The next of 1, 2 and 5 times a power of ten. */
  private static double roundUp(double value) {
    double power = Math.pow(10, Math.floor(Math.log10(value)));
    return Arrays.stream(new double[] {1, 2, 5, 10})
        .map(step -> step * power)
        .filter(step -> step >= value)
        .findFirst()
        .orElseThrow();
  }

  /** Powers stand at equal distances. */
  private static double x(int value, int[] xs, int left) {
    double range = Math.log((double) xs[xs.length - 1] / xs[0]);
    double inset = 20;
    double share = range == 0 ? 0.5 : Math.log((double) value / xs[0]) / range;
    return left + inset + share * (WIDTH - 2 * inset);
  }

  private static double y(double value, double top) {
    return TOP + HEIGHT * (1 - value / top);
  }

  private static String grouped(double value) {
    return value == Math.rint(value) ? "%,.0f".formatted(value) : "%s".formatted(value);
  }

  private static void text(StringBuilder svg, double x, double y, String anchor, String text) {
    svg.append(
        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n".formatted(x, y, anchor, text));
  }

  /** The rows of the newest day and commit; none of their cells has quotes. */
  private static List<Map<String, String>> lastRun() throws IOException {
    List<String> lines = Files.readAllLines(ROWS);
    String[] columns = lines.get(0).split(",");
    List<Map<String, String>> rows = new ArrayList<>();
    for (String line : lines.subList(1, lines.size())) {
      String[] cells = line.split(",", -1);
      Map<String, String> row = new LinkedHashMap<>();
      for (int i = 0; i < columns.length; i++) {
        row.put(columns[i], cells[i]);
      }
      rows.add(row);
    }
    Map<String, String> last = rows.get(rows.size() - 1);
    return rows.stream()
        .filter(
            row ->
                row.get("date").equals(last.get("date"))
                    && row.get("commit").equals(last.get("commit")))
        .collect(Collectors.toList());
  }

  static {
    Locale.setDefault(Locale.ROOT);
  }
}
