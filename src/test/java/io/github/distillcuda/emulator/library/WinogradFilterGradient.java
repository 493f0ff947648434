package io.github.distillcuda.emulator.library;

import java.util.Arrays;

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
    float[][][] sums = new float[y.c() * x.c()][INPUT.length][INPUT.length];
    for (int image = 0; image < x.n(); image++) {
      for (int row = 0; row < y.h(); row += TILE) {
        for (int column = 0; column < y.w(); column += TILE) {
          float[][][] patches = transformed(INPUT, x, input, image, row - top, column - left);
          float[][][] tiles = transformed(GRADIENT, y, gradients, image, row, column);
          for (int i = 0; i < sums.length; i++) {
            addProducts(tiles[i / x.c()], patches[i % x.c()], sums[i]);
          }
        }
      }
    }
    double[] result = new double[problem.w().elements()];
    Arrays.setAll(sums, i -> transformed(FILTER, sums[i]));
    Arrays.setAll(result, i -> sums[i / 9][i / 3 % 3][i % 3]);
    return result;
  }

  /**
   * Returns the transformed squares that all channels of an image have at one place, with zeros
   * where it is outside.
   */
  private static float[][][] transformed(
      float[][] transform, TensorShape shape, float[] values, int image, int top, int left) {
    int size = transform[0].length;
    float[][][] squares = new float[shape.c()][size][size];
    for (int c = 0; c < shape.c(); c++) {
      for (int i = Math.max(0, -top); i < size && top + i < shape.h(); i++) {
        for (int j = Math.max(0, -left); j < size && left + j < shape.w(); j++) {
          squares[c][i][j] = values[shape.row(image, c, top + i) + left + j];
        }
      }
      squares[c] = transformed(transform, squares[c]);
    }
    return squares;
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
    for (int i = 0; i < sums.length; i++) {
      for (int j = 0; j < sums.length; j++) {
        sums[i][j] += factors[i][j] * patch[i][j];
      }
    }
  }
}
