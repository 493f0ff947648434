package io.github.distillcuda.bench;

import io.github.distillcuda.cuda.CudaDistillationLossBenchmark;
import io.github.distillcuda.ffi.CudnnCallBenchmark;
import io.github.distillcuda.ffi.LaunchBenchmark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.NoBenchmarksException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * Runs the JMH benchmarks: what the host does for a step, on machines with or without a GPU. Takes
 * JMH's own arguments, writes {@code target/jmh.json} and fails if that has no figures, which JMH
 * by itself does not. Behind {@code --machine quiet}, or {@code shared}, it appends them to {@code
 * bench/results/host.csv}, or to the file behind {@code --rows}.
 */
public final class HostBenchmarks {
  /** Where the figures go unless {@code -rff} says otherwise. */
  private static final Path RESULT = Path.of("target", "jmh.json");

  /** Where the figures are appended that are to be published. */
  private static final Path ROWS = Path.of("bench", "results", "host.csv");

  /** Code, garbage collector and libraries settle differently in every process. */
  private static final int FORKS = 3;

  private static final int WARM_UP_ITERATIONS = 3;
  private static final int ITERATIONS = 5;
  private static final TimeValue ITERATION = TimeValue.seconds(1);

  /** What a benchmark needs that a machine may lack, and how it says so. */
  private static final Map<Class<?>, Supplier<Optional<String>>> NEEDS =
      Map.of(
          CudaDistillationLossBenchmark.class, CudaDistillationLossBenchmark::missing,
          CudnnCallBenchmark.class, CudnnCallBenchmark::missing,
          LaunchBenchmark.class, LaunchBenchmark::missing);

  private HostBenchmarks() {}

  /** Runs what JMH's arguments select, all by default. */
  public static void main(String[] arguments)
      throws CommandLineOptionException, RunnerException, IOException {
    List<String> ofJmh = new ArrayList<>(List.of(arguments));
    Optional<String> machine = take(ofJmh, "--machine");
    Path rows = take(ofJmh, "--rows").map(Path::of).orElse(ROWS);
    CommandLineOptions given = new CommandLineOptions(ofJmh.toArray(String[]::new));
    if (given.shouldHelp()) {
      given.showHelp();
    } else if (given.shouldList()) {
      new Runner(given).list();
    } else {
      List<HostFigure> figures = run(given);
      if (machine.isPresent()) {
        HostFigure.append(figures, machine.get(), rows);
      }
      System.out.println(figures.size() + " figures");
    }
  }

  /** Removes an option and its value, and returns the value. */
  private static Optional<String> take(List<String> arguments, String option) {
    int index = arguments.indexOf(option);
    if (index < 0) {
      return Optional.empty();
    }
    if (index + 1 == arguments.size()) {
      throw new IllegalArgumentException(option + " needs a value");
    }
    arguments.remove(index);
    return Optional.of(arguments.remove(index));
  }

  /**
   * Runs benchmarks.
   *
   * @return the figures in the result file
   * @throws IllegalStateException if there are none
   */
  private static List<HostFigure> run(CommandLineOptions given)
      throws RunnerException, IOException {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .parent(given)
            .forks(given.getForkCount().orElse(FORKS))
            .warmupIterations(given.getWarmupIterations().orElse(WARM_UP_ITERATIONS))
            .warmupTime(given.getWarmupTime().orElse(ITERATION))
            .measurementIterations(given.getMeasurementIterations().orElse(ITERATIONS))
            .measurementTime(given.getMeasurementTime().orElse(ITERATION))
            .shouldFailOnError(true)
            .resultFormat(ResultFormatType.JSON);
    for (Map.Entry<Class<?>, String> absent : leftOut().entrySet()) {
      System.out.println("left out: " + absent.getKey().getSimpleName() + ", " + absent.getValue());
      options.exclude(absent.getKey().getName().replace(".", "\\.") + "\\..*");
    }
    if (!given.getParameter("device").hasValue()) {
      CudaDistillationLossBenchmark.missing()
          .ifPresent(
              reason -> {
                System.out.println("left out: device=cuda, " + reason);
                options.param("device", "cpu");
              });
    }
    Path result = Path.of(given.getResult().orElse(RESULT.toString()));
    if (result.getParent() != null) {
      Files.createDirectories(result.getParent());
    }
    Files.deleteIfExists(result);
    try {
      new Runner(options.result(result.toString()).build()).run();
    } catch (NoBenchmarksException e) {
      throw new IllegalStateException("no benchmark matches: -l lists them", e);
    }
    List<HostFigure> figures = HostFigure.read(result);
    if (figures.isEmpty()) {
      throw new IllegalStateException(result + " has no figures");
    }
    return figures;
  }

  /** Returns the benchmarks that cannot run here, and why. */
  private static Map<Class<?>, String> leftOut() {
    Map<Class<?>, String> absent = new LinkedHashMap<>();
    NEEDS.forEach(
        (benchmark, missing) -> missing.get().ifPresent(reason -> absent.put(benchmark, reason)));
    return absent;
  }
}
