package io.github.distillcuda.bench;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What JMH measured of one benchmark with one set of parameters.
 *
 * @param benchmark such as {@code DistillationLoss.lossAndGradient}
 * @param parameters such as {@code classes=10}, separated by spaces
 * @param unit such as {@code us/op}
 * @param value the mean
 * @param error half of the confidence interval of 99.9 %; NaN if there was one iteration
 * @param forks how many processes it is of
 * @param iterations how many iterations it is of in each
 */
record HostFigure(
    String benchmark,
    String parameters,
    String unit,
    double value,
    double error,
    int forks,
    int iterations) {
  private static final String COLUMNS =
      "date,commit,cpu,cores,machine,java,benchmark,parameters,unit,value,error,forks,iterations";

  private static final Path CPU = Path.of("/proc/cpuinfo");

  /**
   * Reads what JMH wrote.
   *
   * @throws IllegalStateException if a figure is no positive number
   */
  static List<HostFigure> read(Path json) throws IOException {
    List<HostFigure> figures = new ArrayList<>();
    for (JsonElement element : JsonParser.parseString(Files.readString(json)).getAsJsonArray()) {
      HostFigure figure = of(element.getAsJsonObject());
      if (!(figure.value > 0 && figure.value < Double.POSITIVE_INFINITY)) {
        throw new IllegalStateException(json + " has no score in " + element);
      }
      figures.add(figure);
    }
    return figures;
  }

  private static HostFigure of(JsonObject row) {
    JsonObject metric = row.getAsJsonObject("primaryMetric");
    String[] name = row.get("benchmark").getAsString().split("\\.");
    JsonObject parameters = row.has("params") ? row.getAsJsonObject("params") : new JsonObject();
    return new HostFigure(
        name[name.length - 2].replaceFirst("Benchmark$", "") + "." + name[name.length - 1],
        parameters.entrySet().stream()
            .map(entry -> entry.getKey() + "=" + entry.getValue().getAsString())
            .collect(Collectors.joining(" ")),
        metric.get("scoreUnit").getAsString(),
        metric.get("score").getAsDouble(),
        metric.get("scoreError").getAsDouble(), // "NaN" is read as such
        row.get("forks").getAsInt(),
        row.get("measurementIterations").getAsInt());
  }

  /**
   * Appends figures to a CSV file, below its head.
   *
   * @param machine quiet or shared: whether the figures mean anything
   */
  static void append(List<HostFigure> figures, String machine, Path csv) throws IOException {
    String where =
        String.join(
            ",",
            LocalDate.now().toString(),
            Provenance.commit(),
            cpu(),
            String.valueOf(Runtime.getRuntime().availableProcessors()),
            machine,
            Runtime.version().toString());
    List<String> lines = new ArrayList<>();
    if (!Files.exists(csv)) {
      lines.add(COLUMNS);
    }
    for (HostFigure figure : figures) {
      lines.add(where + "," + figure.cells());
    }
    Files.write(csv, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  private String cells() {
    return "%s,%s,%s,%s,%s,%d,%d"
        .formatted(
            benchmark,
            parameters,
            unit,
            value,
            Double.isNaN(error) ? "" : error,
            forks,
            iterations);
  }

  private static String cpu() throws IOException {
    try (var lines = Files.lines(CPU)) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip().replace(",", ""))
          .findFirst()
          .orElse(System.getProperty("os.arch"));
    }
  }
}
