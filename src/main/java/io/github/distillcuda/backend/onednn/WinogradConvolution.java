package io.github.distillcuda.backend.onednn;

import static io.github.distillcuda.backend.onednn.WinogradTransforms.PRODUCTS;
import static io.github.distillcuda.backend.onednn.WinogradTransforms.TILE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.ffi.OpenMpTeam;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A convolution with its bias, ReLU and pooling, in 16 products a tile of two by two outputs and
 * pair of channels in place of 36. Such a tile is one window of the pooling, so what is stored is a
 * quarter of what the convolution computes.
 *
 * <p>Some images at a time: the tiles of the input are transformed to [16,tiles,I], oneDNN
 * multiplies these with the filters [16,I,O], and [16,tiles,O] is transformed to outputs. A thread
 * takes its images through all three, so that they stay in its own caches.
 */
final class WinogradConvolution implements Operation {
  /** Tiles that a thread takes at a time: enough for the product, few enough for its caches. */
  private static final int GROUP_TILES = 256;

  private final OnednnContext context;
  private final ConvolutionSpec layer;
  private final OpenMpTeam.Task convolve = this::convolve;
  private final int batch;
  private final int tileRows;
  private final int tileColumns;
  private final int group;
  private final MemorySegment source;
  private final MemorySegment bias;
  private final MemorySegment destination;
  private final Group[] groups;

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
    this.context = context;
    this.layer = layer;
    this.batch = batch;
    this.source = source;
    this.bias = bias;
    this.destination = destination;
    tileRows = layer.height() / 2;
    tileColumns = layer.width() / 2;
    int threads = context.team().threads();
    int most = (batch + threads - 1) / threads;
    group = Math.clamp(GROUP_TILES / (tileRows * tileColumns), 1, most);
    groups = new Group[threads];
    Arrays.setAll(groups, thread -> context.team().forOneThread(() -> new Group(filters)));
  }

  @Override
  public String name() {
    return groups[0].product.name() + ", winograd and pooling";
  }

  @Override
  public void run() {
    context.team().run(convolve);
  }

  private void convolve(int part, int parts) {
    int end = (int) ((long) batch * (part + 1) / parts);
    for (int image = (int) ((long) batch * part / parts); image < end; image += group) {
      groups[part].convolve(image, Math.min(group, end - image));
    }
  }

  /** The images that one thread takes at a time. */
  private final class Group {
    private final MemorySegment tiles;
    private final MemorySegment products;
    private final PrimitiveOperation product;
    private final InputRows input;
    private final OutputRows output;

    Group(MemorySegment filters) {
      long rows = (long) group * tileRows * tileColumns;
      long sources = context.plain(PRODUCTS, rows, layer.inChannels());
      long weights = context.plain(PRODUCTS, layer.inChannels(), layer.outChannels());
      long outputs = context.plain(PRODUCTS, rows, layer.outChannels());
      tiles = context.allocate(sources);
      products = context.allocate(outputs);
      input = new InputRows(tiles);
      output = new OutputRows(products);
      PrimitivePlan plan =
          PrimitivePlan.first(
              context,
              layer.name() + " products",
              () ->
                  context
                      .describe()
                      .matmul(
                          context.engine(), sources, weights, 0, outputs, context.attributes()));
      product =
          new PrimitiveOperation(
              context,
              context.scope(),
              context.createLane(),
              layer.name() + " forward",
              plan,
              Argument.source(context.memory(sources, tiles)),
              Argument.weights(context.memory(weights, filters)),
              Argument.destination(context.memory(outputs, products)));
    }

    /** Convolves some images; where they are fewer than the group, the product has idle rows. */
    void convolve(int first, int images) {
      for (int row = 0; row < images * tileRows; row++) {
        input.transform(first, row);
      }
      product.run();
      output.readBias();
      for (int row = 0; row < images * tileRows; row++) {
        output.transform(first, row);
      }
    }
  }

  /** Returns where a row of tiles begins in one of the 16 matrices. */
  private long matrixOffset(int matrix, int row, int channels) {
    long tile = ((long) matrix * group * tileRows + row) * tileColumns;
    return tile * channels * Float.BYTES;
  }

  /** A row of input tiles: four rows of the image, transformed along each of them. */
  private final class InputRows {
    private final int channels = layer.inChannels();
    private final int length = tileColumns * channels;
    private final MemorySegment tiles;
    private final float[][][] transformed = new float[TILE][TILE][length];
    private final float[] before = new float[length];
    private final float[] even = new float[length];
    private final float[] odd = new float[length];
    private final float[] after = new float[length];
    private final float[][] v = new float[TILE][length];

    InputRows(MemorySegment tiles) {
      this.tiles = tiles;
    }

    /** Transforms a row of tiles of the group, of which the rows above came before. */
    void transform(int first, int row) {
      int image = first + row / tileRows;
      int top = row % tileRows * 2 - 1;
      int known = row % tileRows == 0 ? 0 : TILE / 2;
      for (int i = 0; i < known; i++) {
        float[][] reused = transformed[i];
        transformed[i] = transformed[i + 2];
        transformed[i + 2] = reused;
      }
      for (int i = known; i < TILE; i++) {
        transformColumns(image, top + i, transformed[i]);
      }
      for (int column = 0; column < TILE; column++) {
        WinogradTransforms.input(
            transformed[0][column],
            transformed[1][column],
            transformed[2][column],
            transformed[3][column],
            v[0],
            v[1],
            v[2],
            v[3]);
        for (int i = 0; i < TILE; i++) {
          long offset = matrixOffset(i * TILE + column, row, channels);
          MemorySegment.copy(v[i], 0, tiles, JAVA_FLOAT, offset, length);
        }
      }
    }

    /** Transforms a row of an image; rows and columns beside it are zero. */
    private void transformColumns(int image, int y, float[][] out) {
      if (y < 0 || y >= layer.height()) {
        for (float[] zeros : out) {
          Arrays.fill(zeros, 0);
        }
        return;
      }
      long pixel = (long) channels * Float.BYTES;
      long offset = ((long) image * layer.height() + y) * layer.width() * pixel;
      for (int tile = 0; tile < tileColumns; tile++) {
        int at = tile * channels;
        MemorySegment.copy(source, JAVA_FLOAT, offset + 2 * tile * pixel, even, at, channels);
        MemorySegment.copy(source, JAVA_FLOAT, offset + (2 * tile + 1) * pixel, odd, at, channels);
      }
      // The first tile has no column before it, the last none after it: those stay zero.
      System.arraycopy(odd, 0, before, channels, length - channels);
      System.arraycopy(even, channels, after, 0, length - channels);
      WinogradTransforms.input(before, even, odd, after, out[0], out[1], out[2], out[3]);
    }
  }

  /** A row of output tiles, which is a row of the pooled image. */
  private final class OutputRows {
    private final int channels = layer.outChannels();
    private final int length = tileColumns * channels;
    private final MemorySegment products;
    private final float[][] m = new float[TILE][length];
    private final float[][] upper = new float[TILE][length];
    private final float[][] lower = new float[TILE][length];
    private final float[][] y = new float[TILE][length];
    private final float[] pooled = new float[length];
    private final float[] biases = new float[length];

    OutputRows(MemorySegment products) {
      this.products = products;
    }

    /** Reads the bias, once for every tile of a row. */
    void readBias() {
      for (int tile = 0; tile < tileColumns; tile++) {
        MemorySegment.copy(bias, JAVA_FLOAT, 0, biases, tile * channels, channels);
      }
    }

    void transform(int first, int row) {
      for (int column = 0; column < TILE; column++) {
        for (int i = 0; i < TILE; i++) {
          long offset = matrixOffset(i * TILE + column, row, channels);
          MemorySegment.copy(products, JAVA_FLOAT, offset, m[i], 0, length);
        }
        WinogradTransforms.output(m[0], m[1], m[2], m[3], upper[column], lower[column]);
      }
      WinogradTransforms.output(upper[0], upper[1], upper[2], upper[3], y[0], y[1]);
      WinogradTransforms.output(lower[0], lower[1], lower[2], lower[3], y[2], y[3]);
      WinogradTransforms.pool(y[0], y[1], y[2], y[3], biases, pooled);
      long pooledRow = (long) first * tileRows + row;
      MemorySegment.copy(
          pooled, 0, destination, JAVA_FLOAT, pooledRow * length * Float.BYTES, length);
    }
  }
}
