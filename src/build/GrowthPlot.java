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
 * Draws {@code bench/results/cpu-growth.svg} from {@code cpu-growth.csv}: the time of an image over
 * the batch of a step, and over the images of a run. It takes the newest rows of one commit on one
 * machine and day that are complete: both sides at the same points of both panels.
 *
 * <p>With {@code --check} it changes nothing and fails where the picture is not that of the rows;
 * no rows and no picture are in order. Run in any Java from 17 on, in the root of the checkout.
 */
public class GrowthPlot {
  private static final Path ROWS = Path.of("bench", "results", "cpu-growth.csv");
  private static final Path PICTURE = Path.of("bench", "results", "cpu-growth.svg");
  private static final int WIDTH = 420;
  private static final int HEIGHT = 300;
  private static final int LEFT = 60;
  private static final int TOP = 92;

  /** Where the keys of a panel begin, two in a line. */
  private static final int KEY_TOP = 40;

  private static final int KEY_WIDTH = 215;
  private static final int KEY_HEIGHT = 16;

  /** What was measured together. */
  private static final List<String> SET = List.of("date", "commit", "cpu", "cores", "machine");

  private static final String OURS = "distill-cuda";
  private static final String PEER = "PyTorch";

  /** Four that the colour-blind tell apart, too. */
  private static final List<String> COLOURS = List.of("#0072b2", "#56b4e9", "#d55e00", "#e69f00");

  /** Runs. */
  public static void main(String[] arguments) throws IOException {
    boolean isCheck = arguments.length > 0 && arguments[0].equals("--check");
    List<List<Map<String, String>>> sets = sets();
    List<Map<String, String>> newest = List.of();
    for (List<Map<String, String>> set : sets) {
      newest = whatItLacks(set).isEmpty() ? set : newest;
    }
    if (newest.isEmpty()) {
      String reason =
          sets.isEmpty()
              ? "it has no rows; python3 bench/cpu_growth.py measures them"
              : "none of its sets is complete, the last lacks "
                  + whatItLacks(sets.get(sets.size() - 1));
      System.err.printf("no picture of %s: %s%n", ROWS, reason);
      System.exit(isCheck && !Files.exists(PICTURE) ? 0 : 1);
    }
    String drawn = draw(newest);
    if (!isCheck) {
      Files.writeString(PICTURE, drawn, StandardCharsets.UTF_8);
    } else if (!Files.exists(PICTURE) || !Files.readString(PICTURE).equals(drawn)) {
      System.err.printf(
          "error: %s is not the picture of %s: run java src/build/GrowthPlot.java%n",
          PICTURE, ROWS);
      System.exit(1);
    }
  }

  private static String whatItLacks(List<Map<String, String>> set) {
    String steps = whatItLacks("steps", medians(set, GrowthPlot::batch));
    return steps.isEmpty() ? whatItLacks("runs", medians(set, GrowthPlot::images)) : steps;
  }

  /** Returns a point that one side has and the other lacks, or the panel, if it has no curve. */
  private static String whatItLacks(String panel, Map<String, Map<Integer, Double>> series) {
    if (series.values().stream().noneMatch(points -> points.size() > 1)) {
      return panel;
    }
    for (String name : series.keySet()) {
      String other = name.startsWith(OURS) ? name.replace(OURS, PEER) : name.replace(PEER, OURS);
      for (int x : series.get(name).keySet()) {
        if (!series.getOrDefault(other, Map.of()).containsKey(x)) {
          return "%s at %s".formatted(other, grouped(x));
        }
      }
    }
    return "";
  }

  /** The place of a row in the panel of steps; empty if it has none. */
  private static String batch(Map<String, String> row) {
    return row.get("what").endsWith(" step") ? row.get("batch") : "";
  }

  /** The place of a row in the panel of runs; empty if it has none. */
  private static String images(Map<String, String> row) {
    boolean drawn = List.of("student epoch", "whole process").contains(row.get("what"));
    return drawn ? row.get("images") : "";
  }

  private static String draw(List<Map<String, String>> rows) {
    StringBuilder svg = new StringBuilder();
    int width = 2 * (LEFT + WIDTH) + 20;
    int height = TOP + HEIGHT + 50;
    svg.append(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
            .formatted(width, height));
    svg.append("<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n".formatted(width, height));
    Map<String, String> row = rows.get(0);
    text(
        svg,
        LEFT,
        18,
        "start",
        "%s, %s cores, %s machine, %s, commit %s"
            .formatted(
                row.get("cpu"),
                row.get("cores"),
                row.get("machine"),
                row.get("date"),
                row.get("commit")));
    panel(svg, LEFT, "images of a step", medians(rows, GrowthPlot::batch));
    panel(
        svg,
        2 * LEFT + WIDTH,
        "images of the data set, one epoch of each model",
        medians(rows, GrowthPlot::images));
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
                row.get("side").replace("pytorch", PEER) + ", " + row.get("what"),
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
    text(svg, left, TOP - 10, "start", "µs an image");
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
      double keyY = KEY_TOP + (double) KEY_HEIGHT * (number / 2);
      double keyX = left + (double) KEY_WIDTH * (number % 2);
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

  /** The rows that were measured together, oldest first; none of their cells has quotes. */
  private static List<List<Map<String, String>>> sets() throws IOException {
    List<String> lines = Files.exists(ROWS) ? Files.readAllLines(ROWS) : List.of();
    if (lines.isEmpty()) {
      return List.of();
    }
    String[] columns = lines.get(0).split(",");
    Map<List<String>, List<Map<String, String>>> sets = new LinkedHashMap<>();
    for (String line : lines.subList(1, lines.size())) {
      String[] cells = line.split(",", -1);
      if (cells.length != columns.length) {
        throw new IOException(
            "%s: %d cells, not %d: %s".formatted(ROWS, cells.length, columns.length, line));
      }
      Map<String, String> row = new LinkedHashMap<>();
      for (int i = 0; i < columns.length; i++) {
        row.put(columns[i], cells[i]);
      }
      List<String> set = SET.stream().map(row::get).collect(Collectors.toList());
      sets.computeIfAbsent(set, first -> new ArrayList<>()).add(row);
    }
    return List.copyOf(sets.values());
  }

  static {
    Locale.setDefault(Locale.ROOT);
  }
}
