package io.github.distillcuda.bench;

import io.github.distillcuda.cuda.CudaGraph;
import io.github.distillcuda.cuda.CudaModule;
import io.github.distillcuda.cuda.CudaStream;
import io.github.distillcuda.cuda.DeviceBuffer;
import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.cuda.GraphTimer;
import io.github.distillcuda.cuda.KernelFunction;
import io.github.distillcuda.cuda.KernelLaunch;
import io.github.distillcuda.cuda.KernelLibrary;
import io.github.distillcuda.cuda.kernels.KernelParameter;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.gpu.Gpu;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Times workloads on a GPU: launches captured in graphs, on buffers that were just read (warm) or
 * that no cache holds (cold), beside what the same run copies.
 */
final class DeviceBench {
  /** Twice the level-2 cache of an H100 or H200, and more. */
  private static final long BEYOND_CACHE = 128L << 20;

  /** What a warm workload may take, so that the cache holds it. */
  private static final long WITHIN_CACHE = 24L << 20;

  private static final int MOST_LAUNCHES = 100;
  private static final int LEAST_LAUNCHES = 20;
  private static final double GRAPH_MICROS = 1500;
  private static final int EMPTY_NODES = 1000;

  /**
   * A row of the results.
   *
   * @param cache warm, cold, or - where there is no data
   * @param launches kernels a graph
   * @param times of one execution of the workload
   * @param floorBytes 0 where none are to be moved
   */
  record Row(
      String operation,
      String variant,
      String sizes,
      String cache,
      int launches,
      GraphTimer.Times times,
      long floorBytes) {
    double gigabytesPerSecond() {
      return floorBytes / times.p50() / 1e3;
    }
  }

  private final Gpu gpu;
  private final DeviceScope scope;
  private final CudaStream stream;
  private final GraphTimer timer;
  private final Contents contents;
  private final Map<KernelSignature, KernelFunction> functions = new HashMap<>();
  private final KernelLaunch flush;
  private final long ceilingBytes;
  private final int images;

  /**
   * A workload on arrays of its own.
   *
   * @param launches in order
   * @param arrays by name
   */
  private record Prepared(List<KernelLaunch> launches, Map<String, DeviceBuffer> arrays) {}

  /**
   * Loads the kernels of the ceilings, others when they are first timed; what it allocates belongs
   * to the scope.
   *
   * @param limitMillis for the timed replays of a row
   * @param ceilingBytes of each array of the ceilings
   * @param images of the data set
   */
  DeviceBench(Gpu gpu, DeviceScope scope, long limitMillis, long ceilingBytes, int images) {
    this.gpu = gpu;
    this.scope = scope;
    this.ceilingBytes = ceilingBytes;
    this.images = images;
    stream = gpu.stream();
    timer = new GraphTimer(gpu.context(), stream, scope, stream::synchronize, limitMillis);
    contents = new Contents(gpu, scope, images);
    CudaModule ceilings =
        scope.own(
            CudaModule.load(gpu.context(), "ceilings", List.of(Ceilings.image()), Ceilings.ALL));
    Ceilings.ALL.forEach(kernel -> functions.put(kernel, ceilings.function(kernel)));
    long flushed = Math.min(BEYOND_CACHE, ceilingBytes);
    DeviceBuffer unrelated = scope.own(gpu.context().memory().allocate("unrelated", flushed));
    stream.clear(unrelated);
    flush =
        prepare(Ceilings.READ, Ceilings.sizes(flushed)).bind("x0", unrelated).bind("y", unrelated);
  }

  private KernelLaunch prepare(KernelSignature kernel, KernelSizes sizes) {
    return functions
        .computeIfAbsent(
            kernel, one -> scope.own(KernelLibrary.load(gpu.context(), List.of(one))).function(one))
        .prepare(sizes);
  }

  /** The bandwidth of streams, and the time of a graph's node that does nothing. */
  List<Row> ceilings() {
    List<Row> rows = new ArrayList<>();
    KernelSizes sizes = Ceilings.sizes(ceilingBytes);
    for (KernelSignature kernel : List.of(Ceilings.COPY, Ceilings.ADD, Ceilings.READ)) {
      rows.add(time(Workload.of("ceiling", kernel, sizes), false));
    }
    rows.add(driverCopy());
    rows.add(emptyNodes());
    return rows;
  }

  private Row driverCopy() {
    try (DeviceScope local = new DeviceScope()) {
      DeviceBuffer from = local.own(gpu.context().memory().allocate("from", ceilingBytes));
      DeviceBuffer to = local.own(gpu.context().memory().allocate("to", ceilingBytes));
      stream.clear(from);
      CudaGraph graph =
          local.own(
              CudaGraph.capture(
                  stream,
                  "copy",
                  () -> {
                    for (int i = 0; i < LEAST_LAUNCHES; i++) {
                      stream.copy(from, 0, to, 0, ceilingBytes);
                    }
                  }));
      return new Row(
          "ceiling",
          "cuMemcpyDtoDAsync",
          "{bytes=" + ceilingBytes + "}",
          "cold",
          LEAST_LAUNCHES,
          timer.time(graph, () -> {}).dividedBy(LEAST_LAUNCHES),
          2 * ceilingBytes);
    }
  }

  private Row emptyNodes() {
    try (DeviceScope local = new DeviceScope()) {
      KernelLaunch empty = prepare(Ceilings.EMPTY, KernelSizes.of("n", 1));
      CudaGraph graph =
          local.own(
              CudaGraph.capture(
                  stream,
                  "empty",
                  () -> {
                    for (int i = 0; i < EMPTY_NODES; i++) {
                      empty.launch(stream);
                    }
                  }));
      return new Row(
          "ceiling",
          "empty kernel",
          "{}",
          "-",
          EMPTY_NODES,
          timer.time(graph, () -> {}).dividedBy(EMPTY_NODES),
          0);
    }
  }

  /** Warm where the cache holds the workload, and cold. */
  List<Row> time(Workload workload) {
    List<Row> rows = new ArrayList<>();
    if (workload.byteSize(images) <= WITHIN_CACHE) {
      rows.add(time(workload, true));
    }
    rows.add(time(workload, false));
    return rows;
  }

  private Row time(Workload workload, boolean warm) {
    int steps = workload.steps().size();
    double estimate = 2.0 * steps + workload.floorBytes() / 2e6;
    int most = Math.ceilDiv(MOST_LAUNCHES, steps);
    int least = Math.ceilDiv(LEAST_LAUNCHES, steps);
    int repeats = (int) Math.clamp(Math.ceil(GRAPH_MICROS / estimate), least, most);
    long enough = BEYOND_CACHE / workload.byteSize(images) + 2;
    int sets = warm ? 1 : (int) Math.min(repeats, enough);
    try (DeviceScope local = new DeviceScope()) {
      List<List<KernelLaunch>> launches = new ArrayList<>();
      for (int i = 0; i < sets; i++) {
        launches.add(prepare(workload, local).launches);
      }
      CudaGraph graph =
          local.own(
              CudaGraph.capture(
                  stream,
                  workload.variant(),
                  () -> {
                    for (int i = 0; i < repeats; i++) {
                      launches.get(i % sets).forEach(launch -> launch.launch(stream));
                    }
                  }));
      GraphTimer.Times times =
          timer.time(
              graph,
              () -> {
                if (!warm) {
                  flush.launch(stream);
                }
              });
      return new Row(
          workload.operation(),
          workload.variant(),
          workload.sizes().toString(),
          warm ? "warm" : "cold",
          repeats * steps,
          times.dividedBy(repeats),
          workload.floorBytes());
    }
  }

  /** Runs a workload once, and returns what it left in an array. */
  byte[] result(Workload workload, String array) {
    try (DeviceScope local = new DeviceScope()) {
      Prepared prepared = prepare(workload, local);
      prepared.launches.forEach(launch -> launch.launch(stream));
      return gpu.download(prepared.arrays.get(array));
    }
  }

  /** The arrays belong to the scope. */
  private Prepared prepare(Workload workload, DeviceScope local) {
    Map<String, DeviceBuffer> buffers = new HashMap<>();
    int rows = size(workload, "rows", 1);
    int classes = size(workload, "classes", 10);
    for (Workload.ArraySpec array : workload.arrays(images).values()) {
      DeviceBuffer buffer =
          local.own(gpu.context().memory().allocate(array.name(), array.byteSize()));
      contents.fill(buffer, array.parameter(), rows, classes);
      buffers.put(array.name(), buffer);
    }
    List<KernelLaunch> launches = new ArrayList<>();
    for (Workload.Step step : workload.steps()) {
      KernelLaunch launch = prepare(step.kernel(), step.sizes());
      for (KernelParameter parameter : step.kernel().parameters()) {
        String name = parameter.name();
        switch (parameter) {
          case KernelParameter.Int fromSizes -> {}
          case KernelParameter.Pointer pointer ->
              launch.bind(name, buffers.get(step.arrays().getOrDefault(name, name)));
          default -> {
            Double number = step.numbers().get(name);
            launch.bind(name, number != null ? number : usual(name));
          }
        }
      }
      launches.add(launch);
    }
    return new Prepared(launches, buffers);
  }

  /** Returns a size that a step of a workload has. */
  static int size(Workload workload, String name, int otherwise) {
    for (Workload.Step step : workload.steps()) {
      if (step.sizes().toString().contains(name + "=")) {
        return (int) step.sizes().get(name);
      }
    }
    return otherwise;
  }

  private static double usual(String parameter) {
    return switch (parameter) {
      case "temperature" -> LossWorkloads.TEMPERATURE;
      case "alpha" -> LossWorkloads.ALPHA;
      case "learningRate" -> 1e-3;
      case "beta1" -> 0.9;
      case "beta2" -> 0.999;
      case "epsilon" -> 1e-8;
      default -> throw new IllegalArgumentException(parameter);
    };
  }
}
