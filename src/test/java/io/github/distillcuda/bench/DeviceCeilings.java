package io.github.distillcuda.bench;

import io.github.distillcuda.cuda.DeviceScope;
import io.github.distillcuda.gpu.Gpu;
import java.util.List;

/**
 * What floors are computed with, measured in the run whose rows they stand beside.
 *
 * @param copyGigabytesPerSecond bytes read and written a second by the faster of the two copies
 * @param nodeMicros of a graph's node whose kernel does nothing
 */
public record DeviceCeilings(double copyGigabytesPerSecond, double nodeMicros) {
  /**
   * Measures them.
   *
   * @param limitMillis for the replays of each
   * @param bytes of each array
   */
  public static DeviceCeilings measure(Gpu gpu, long limitMillis, long bytes) {
    try (DeviceScope scope = new DeviceScope()) {
      return of(new DeviceBench(gpu, scope, limitMillis, bytes, 1).ceilings());
    }
  }

  /** Takes them from the rows of the ceilings. */
  static DeviceCeilings of(List<DeviceBench.Row> ceilings) {
    double copy =
        ceilings.stream()
            .filter(
                row -> row.variant().equals("copy") || row.variant().equals("cuMemcpyDtoDAsync"))
            .mapToDouble(DeviceBench.Row::gigabytesPerSecond)
            .max()
            .orElseThrow();
    return new DeviceCeilings(copy, ceilings.getLast().times().p50());
  }
}
