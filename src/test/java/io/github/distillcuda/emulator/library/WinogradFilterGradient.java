package io.github.distillcuda.emulator.library;

/**
 * The gradient of 3x3 filters of stride 1 by Winograd's F(3x3, 4x4), all of it in float32: 36
 * products take the place of the 144 of 4x4 gradients with a 3x3 filter. Its transforms have thirds
 * in them, which float32 rounds and later sums enlarge: not even whole numbers come out exactly.
 * Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", with the points 0, 1, -1, 2,
 * -2 and infinity.
 */
final class WinogradFilterGradient {
  /** Gradients of the output that a tile has in a row. */
  private static final int TILE = 4;

  private static final int PATCH = 6;

  /** Of a patch of the input. */
  private static final float[][] INPUT = {
    {4, 0, -5, 0, 1, 0},
    {0, -4, -4, 1, 1, 0},
    {0, 4, -4, -1, 1, 0},
    {0, -2, -1, 2, 1, 0},
    {0, 2, -1, -2, 1, 0},
    {0, 4, 0, -5, 0, 1}
  };

  /** Of the gradients of a tile. */
  private static final float[][] GRADIENT = {
    {1 / 4f, 0, 0, 0},
    {-1 / 6f, -1 / 6f, -1 / 6f, -1 / 6f},
    {-1 / 6f, 1 / 6f, -1 / 6f, 1 / 6f},
    {1 / 24f, 1 / 12f, 1 / 6f, 1 / 3f},
    {1 / 24f, -1 / 12f, 1 / 6f, -1 / 3f},
    {0, 0, 0, 1}
  };

  /** Of the sums of products, to the elements of a filter. */
  private static final float[][] FILTER = {
    {1, 1, 1, 1, 1, 0},
    {0, 1, -1, 2, -2, 0},
    {0, 1, 1, 4, 4, 1}
  };

  private WinogradFilterGradient() {}

  /**
   * Returns the gradient of the filters.
   *
   * @param problem its filters are 3x3, its stride is 1
   * @param input of the shape x, in the order NCHW
   * @param gradients of the shape y, likewise
   */
  static double[] of(ConvolutionProblem problem, float[] input, float[] gradients) {
    TensorShape x = problem.x();
    TensorShape y = problem.y();
    int top = problem.convolution().rows().pad();
    int left = problem.convolution().columns().pad();
    float[][][] sums = new float[y.c() * x.c()][PATCH][PATCH];
    for (int image = 0; image < x.n(); image++) {
      for (int row = 0; row < y.h(); row += TILE) {
        for (int column = 0; column < y.w(); column += TILE) {
          float[][][] patches = new float[x.c()][][];
          for (int c = 0; c < x.c(); c++) {
            float[][] patch = cut(x, input, image, c, row - top, column - left, PATCH);
            patches[c] = transformed(INPUT, patch);
          }
          for (int c = 0; c < y.c(); c++) {
            float[][] tile = cut(y, gradients, image, c, row, column, TILE);
            float[][] factors = transformed(GRADIENT, tile);
            for (int of = 0; of < x.c(); of++) {
              addProducts(factors, patches[of], sums[c * x.c() + of]);
            }
          }
        }
      }
    }
    double[] result = new double[problem.w().elements()];
    for (int i = 0; i < result.length; i += FILTER.length * FILTER.length) {
      float[][] filter = transformed(FILTER, sums[i / (FILTER.length * FILTER.length)]);
      for (int j = 0; j < FILTER.length * FILTER.length; j++) {
        result[i + j] = filter[j / FILTER.length][j % FILTER.length];
      }
    }
    return result;
  }

  /** Returns a square of a channel, with zeros where it is outside. */
  private static float[][] cut(
      TensorShape shape, float[] values, int image, int channel, int top, int left, int size) {
    float[][] square = new float[size][size];
    for (int i = Math.max(0, -top); i < size && top + i < shape.h(); i++) {
      for (int j = Math.max(0, -left); j < size && left + j < shape.w(); j++) {
        square[i][j] = values[shape.row(image, channel, top + i) + left + j];
      }
    }
    return square;
  }

  /** Returns {@code transform * square * transform'}. */
  private static float[][] transformed(float[][] transform, float[][] square) {
    return timesTransposed(transform, timesTransposed(transform, square));
  }

  /** Returns {@code transform * square'}. */
  private static float[][] timesTransposed(float[][] transform, float[][] square) {
    float[][] product = new float[transform.length][square.length];
    for (int i = 0; i < transform.length; i++) {
      for (int j = 0; j < square.length; j++) {
        float sum = 0;
        for (int k = 0; k < transform[i].length; k++) {
          sum += transform[i][k] * square[j][k];
        }
        product[i][j] = sum;
      }
    }
    return product;
  }

  private static void addProducts(float[][] factors, float[][] patch, float[][] sums) {
    for (int i = 0; i < PATCH; i++) {
      for (int j = 0; j < PATCH; j++) {
        sums[i][j] += factors[i][j] * patch[i][j];
      }
    }
  }
}
