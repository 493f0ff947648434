package io.github.distillcuda.cuda;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Times graphs between two events, as often as a time limit allows. */
public final class GraphTimer {
  /** Replays in the queue at a time, so that the GPU does not idle between them. */
  private static final int QUEUED = 10;

  private static final int WARM_UP = 50;
  private static final int MOST_REPLAYS = 300;
  private static final int LEAST_REPLAYS = 20;

  /**
   * What was measured, in microseconds a graph.
   *
   * @param replays how many graphs
   */
  public record Times(int replays, double p10, double p50, double p90) {
    /** The same for one of {@code parts} equal parts of the graph. */
    public Times dividedBy(int parts) {
      return new Times(replays, p10 / parts, p50 / parts, p90 / parts);
    }
  }

  private final CudaStream stream;
  private final List<CudaEvent> starts = new ArrayList<>();
  private final List<CudaEvent> ends = new ArrayList<>();
  private final Runnable await;
  private final long limitNanos;

  /**
   * Creates the events, which belong to the scope.
   *
   * @param context the device's
   * @param stream what graphs are launched in
   * @param await waits for the stream, for as long as the caller wants to
   * @param limitMillis limit for the replays of one graph; its warm-up takes at most a quarter of
   *     that more
   */
  public GraphTimer(
      CudaContext context, CudaStream stream, DeviceScope scope, Runnable await, long limitMillis) {
    this.stream = stream;
    this.await = await;
    limitNanos = limitMillis * 1_000_000;
    for (int i = 0; i < QUEUED; i++) {
      starts.add(scope.own(CudaEvent.createTiming(context, "start")));
      ends.add(scope.own(CudaEvent.createTiming(context, "end")));
    }
  }

  /**
   * Times a graph.
   *
   * @param before runs in the stream before each replay, not timed
   */
  public Times time(CudaGraph graph, Runnable before) {
    graph.upload(stream);
    replay(graph, before, WARM_UP, limitNanos / 4, 1);
    double[] micros = replay(graph, before, MOST_REPLAYS, limitNanos, LEAST_REPLAYS);
    Arrays.sort(micros);
    int last = micros.length - 1;
    return new Times(
        micros.length, micros[last / 10], micros[micros.length / 2], micros[last - last / 10]);
  }

  private double[] replay(CudaGraph graph, Runnable before, int most, long nanos, int least) {
    double[] micros = new double[most];
    int count = 0;
    long begin = System.nanoTime();
    while (count < most && (count < least || System.nanoTime() - begin < nanos)) {
      int queued = Math.min(QUEUED, most - count);
      for (int i = 0; i < queued; i++) {
        before.run();
        starts.get(i).record(stream);
        graph.launch(stream);
        ends.get(i).record(stream);
      }
      await.run();
      for (int i = 0; i < queued; i++) {
        micros[count++] = 1e3 * ends.get(i).millisecondsSince(starts.get(i));
      }
    }
    return Arrays.copyOf(micros, count);
  }
}
