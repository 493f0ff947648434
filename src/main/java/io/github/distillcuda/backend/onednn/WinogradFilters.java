package io.github.distillcuda.backend.onednn;

import static io.github.distillcuda.backend.onednn.WinogradTransforms.PRODUCTS;
import static io.github.distillcuda.backend.onednn.WinogradTransforms.TILE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.ffi.OpenMpTeam;
import java.lang.foreign.MemorySegment;

/** The transform of a layer's filters, [3,3,I,O] to [16,I,O]. */
final class WinogradFilters implements Operation {
  /** Filters a thread transforms at a time, all arrays within its first cache. */
  private static final int BLOCK = 256;

  private final String name;
  private final OpenMpTeam team;
  private final OpenMpTeam.Task transform = this::transform;
  private final MemorySegment taps;
  private final MemorySegment transformed;
  private final int filters;

  /**
   * A transform.
   *
   * @param taps float32 [3,3,I,O]
   * @param transformed float32 [16,I,O], written
   */
  WinogradFilters(
      OpenMpTeam team, ConvolutionSpec layer, MemorySegment taps, MemorySegment transformed) {
    this.team = team;
    this.taps = taps;
    this.transformed = transformed;
    name = layer.name() + " filters (winograd)";
    filters = layer.inChannels() * layer.outChannels();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void run() {
    team.run(transform);
  }

  private void transform(int part, int parts) {
    int blocks = Math.ceilDiv(filters, BLOCK);
    for (int block = blocks * part / parts; block < blocks * (part + 1) / parts; block++) {
      int first = block * BLOCK;
      transformBlock(first, Math.min(BLOCK, filters - first));
    }
  }

  private void transformBlock(int first, int count) {
    int kernel = ConvolutionSpec.KERNEL;
    float[][] rows = new float[TILE * kernel][count];
    float[][] tap = new float[kernel][count];
    for (int column = 0; column < kernel; column++) {
      for (int row = 0; row < kernel; row++) {
        MemorySegment.copy(
            taps, JAVA_FLOAT, bytes(row * kernel + column, first), tap[row], 0, count);
      }
      WinogradTransforms.filter(
          tap[0],
          tap[1],
          tap[2],
          rows[column],
          rows[kernel + column],
          rows[2 * kernel + column],
          rows[3 * kernel + column]);
    }
    float[][] u = new float[TILE][count];
    for (int row = 0; row < TILE; row++) {
      WinogradTransforms.filter(
          rows[row * kernel],
          rows[row * kernel + 1],
          rows[row * kernel + 2],
          u[0],
          u[1],
          u[2],
          u[3]);
      for (int column = 0; column < TILE; column++) {
        MemorySegment.copy(
            u[column], 0, transformed, JAVA_FLOAT, bytes(row * TILE + column, first), count);
      }
    }
  }

  /** Returns where the filters from {@code first} lie in one of the arrays of all filters. */
  private long bytes(int array, int first) {
    return ((long) array * filters + first) * Float.BYTES;
  }

  /** Returns the bytes of a layer's transformed filters. */
  static long bytes(ConvolutionSpec layer) {
    return (long) PRODUCTS * layer.inChannels() * layer.outChannels() * Float.BYTES;
  }
}
