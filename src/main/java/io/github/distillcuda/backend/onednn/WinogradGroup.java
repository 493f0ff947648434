package io.github.distillcuda.backend.onednn;

import static io.github.distillcuda.backend.onednn.WinogradTransforms.PRODUCTS;
import static io.github.distillcuda.backend.onednn.WinogradTransforms.TILE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.distillcuda.backend.ConvolutionSpec;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The rows of tiles that one thread takes at a time through a Winograd convolution: tiles are
 * transformed to [16,tiles,I], oneDNN multiplies these with the filters [16,I,O], and [16,tiles,O]
 * is transformed to outputs. All three stages are the thread's own, so what passes between them
 * stays in its caches. Convolutions of the same extents share a group: they run one after the
 * other.
 */
final class WinogradGroup {
  /** Tiles of a group: enough for the product, few enough for a thread's caches. */
  private static final int TILES = 256;

  /**
   * What a group is made for.
   *
   * @param inChannels channels of the images
   * @param outChannels channels of the outputs
   * @param height rows of an image, even
   * @param width columns of an image, even
   * @param rows most rows of tiles at a time
   */
  record Extents(int inChannels, int outChannels, int height, int width, int rows) {
    static Extents of(ConvolutionSpec layer, int batch, int threads) {
      int columns = layer.width() / 2;
      int mostOfThread = Math.ceilDiv(batch * (layer.height() / 2), threads);
      return new Extents(
          layer.inChannels(),
          layer.outChannels(),
          layer.height(),
          layer.width(),
          Math.clamp(TILES / columns, 1, mostOfThread));
    }

    /** Returns the rows of tiles of an image, which are the rows of a pooled one. */
    int tileRows() {
      return height / 2;
    }

    int tileColumns() {
      return width / 2;
    }
  }

  private final Extents extents;
  private final OnednnContext context;
  private final MemorySegment tiles;
  private final MemorySegment products;
  private final long filterMemory;
  private final PrimitiveOperation product;
  private final InputRows input;
  private final OutputRows output;

  /** Allocates the group and creates its product, for the one thread that will run it. */
  WinogradGroup(OnednnContext context, Extents extents) {
    this.context = context;
    this.extents = extents;
    input = new InputRows();
    output = new OutputRows();
    long tilesOfGroup = (long) extents.rows() * extents.tileColumns();
    long sources = context.plain(PRODUCTS, tilesOfGroup, extents.inChannels());
    long weights = context.plain(PRODUCTS, extents.inChannels(), extents.outChannels());
    long outputs = context.plain(PRODUCTS, tilesOfGroup, extents.outChannels());
    tiles = context.allocate(sources);
    products = context.allocate(outputs);
    filterMemory = context.memory(weights, MemorySegment.NULL);
    PrimitivePlan plan =
        PrimitivePlan.first(
            context,
            "the products of " + extents,
            () ->
                context
                    .describe()
                    .matmul(context.engine(), sources, weights, 0, outputs, context.attributes()));
    product =
        new PrimitiveOperation(
            context,
            context.scope(),
            context.createLane(),
            "product",
            plan,
            Argument.source(context.memory(sources, tiles)),
            Argument.weights(filterMemory),
            Argument.destination(context.memory(outputs, products)));
  }

  /** Returns the name of the product and its implementation. */
  String product() {
    return product.name();
  }

  /**
   * Convolves rows of tiles, counted through the batch; the other arguments as of the convolution.
   *
   * @param begin the first
   * @param end the one after the last
   */
  void convolve(
      MemorySegment source,
      MemorySegment filters,
      MemorySegment bias,
      MemorySegment destination,
      int begin,
      int end) {
    context.api().dnnl_memory_set_data_handle(filterMemory, filters.address());
    output.readBias(bias);
    for (int first = begin; first < end; first += extents.rows()) {
      // Where fewer are left than the group holds, the product has idle rows.
      int rows = Math.min(extents.rows(), end - first);
      for (int row = 0; row < rows; row++) {
        input.transform(source, first + row, row, first + row > begin);
      }
      product.run();
      for (int row = 0; row < rows; row++) {
        output.transform(destination, first + row, row);
      }
    }
  }

  /** Returns where a row of tiles of the group begins in one of the 16 matrices. */
  private long matrixOffset(int matrix, int row, int channels) {
    long firstRow = (long) matrix * extents.rows();
    return (firstRow + row) * extents.tileColumns() * channels * Float.BYTES;
  }

  /** A row of input tiles: four rows of the image, transformed along each of them. */
  private final class InputRows {
    private final int channels = extents.inChannels();
    private final int length = extents.tileColumns() * channels;
    private final float[][][] transformed = new float[TILE][TILE][length];
    private final float[] before = new float[length];
    private final float[] even = new float[length];
    private final float[] odd = new float[length];
    private final float[] after = new float[length];
    private final float[][] v = new float[TILE][length];

    /**
     * Transforms a row of tiles.
     *
     * @param batchRow which of the batch
     * @param row which of the group
     * @param follows whether the row before it was transformed right before
     */
    void transform(MemorySegment source, int batchRow, int row, boolean follows) {
      int image = batchRow / extents.tileRows();
      int tileRow = batchRow % extents.tileRows();
      // Half of the rows that a tile reads, the tile above it has read, too.
      int known = follows && tileRow > 0 ? TILE / 2 : 0;
      for (int i = 0; i < known; i++) {
        float[][] reused = transformed[i];
        transformed[i] = transformed[i + 2];
        transformed[i + 2] = reused;
      }
      for (int i = known; i < TILE; i++) {
        transformColumns(source, image, 2 * tileRow - 1 + i, transformed[i]);
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
    private void transformColumns(MemorySegment source, int image, int y, float[][] out) {
      if (y < 0 || y >= extents.height()) {
        for (float[] zeros : out) {
          Arrays.fill(zeros, 0);
        }
        return;
      }
      long pixel = (long) channels * Float.BYTES;
      long offset = ((long) image * extents.height() + y) * extents.width() * pixel;
      for (int at = 0; at < length; at += channels) {
        MemorySegment.copy(source, JAVA_FLOAT, offset, even, at, channels);
        MemorySegment.copy(source, JAVA_FLOAT, offset + pixel, odd, at, channels);
        offset += 2 * pixel;
      }
      // The first tile has no column before it, the last none after it: those stay zero.
      System.arraycopy(odd, 0, before, channels, length - channels);
      System.arraycopy(even, channels, after, 0, length - channels);
      WinogradTransforms.input(before, even, odd, after, out[0], out[1], out[2], out[3]);
    }
  }

  /** A row of output tiles, which is a row of the pooled image. */
  private final class OutputRows {
    private final int channels = extents.outChannels();
    private final int length = extents.tileColumns() * channels;
    private final float[][] m = new float[TILE][length];
    private final float[][] upper = new float[TILE][length];
    private final float[][] lower = new float[TILE][length];
    private final float[][] y = new float[TILE][length];
    private final float[] biases = new float[length];
    private final float[] pooled = new float[length];

    /** Reads the bias, once for every tile of a row. */
    void readBias(MemorySegment bias) {
      for (int at = 0; at < length; at += channels) {
        MemorySegment.copy(bias, JAVA_FLOAT, 0, biases, at, channels);
      }
    }

    /** Transforms a row of tiles of the group to the row of the pooled batch. */
    void transform(MemorySegment destination, int batchRow, int row) {
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
      MemorySegment.copy(
          pooled, 0, destination, JAVA_FLOAT, (long) batchRow * length * Float.BYTES, length);
    }
  }
}
