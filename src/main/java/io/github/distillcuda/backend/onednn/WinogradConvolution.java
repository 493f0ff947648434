package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.ffi.OpenMpTeam;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A convolution with its bias, ReLU and pooling by Winograd's F(2x2, 3x3): 16 products a tile of
 * two by two outputs and pair of channels in place of 36. Such a tile is one window of the pooling,
 * so what is stored is a quarter of what the convolution computes. Each thread takes some rows.
 */
final class WinogradConvolution implements Operation {
  private final String name;
  private final OpenMpTeam team;
  private final OpenMpTeam.Task convolve = this::convolve;
  private final int rows;
  private final MemorySegment source;
  private final MemorySegment filters;
  private final MemorySegment bias;
  private final MemorySegment destination;
  private final List<WinogradGroup> groups;

  /**
   * A convolution.
   *
   * @param source float32 [N,H,W,I]
   * @param filters float32 [16,I,O], as {@link WinogradFilters} leaves them
   * @param bias float32 [O]
   * @param destination float32 [N,H/2,W/2,O], written
   */
  WinogradConvolution(
      OnednnContext context,
      ConvolutionSpec layer,
      int batch,
      MemorySegment source,
      MemorySegment filters,
      MemorySegment bias,
      MemorySegment destination) {
    rows = batch * (layer.height() / 2);
    this.source = source;
    this.filters = filters;
    this.bias = bias;
    this.destination = destination;
    team = context.team();
    WinogradGroup.Extents extents = WinogradGroup.Extents.of(layer, batch, team.threads());
    groups = context.winogradGroups(extents, Math.min(rows, team.threads()));
    name =
        "%s inference and pooling (winograd, %s)".formatted(layer.name(), groups.get(0).product());
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void run() {
    team.run(convolve);
  }

  private void convolve(int part, int parts) {
    int begin = (int) ((long) rows * part / parts);
    int end = (int) ((long) rows * (part + 1) / parts);
    // Where rows are fewer than threads a thread has one or none, and the group of that number.
    if (begin < end) {
      groups.get(Math.min(part, begin)).convolve(source, filters, bias, destination, begin, end);
    }
  }
}
