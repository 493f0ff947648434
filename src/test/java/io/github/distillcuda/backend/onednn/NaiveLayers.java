package io.github.distillcuda.backend.onednn;

import io.github.distillcuda.backend.ConvolutionSpec;
import io.github.distillcuda.backend.LayerSpec;
import io.github.distillcuda.backend.LinearSpec;

/**
 * Layers as their definitions, in double, one row of a batch after the other. Meant for integers:
 * {@link #largestSum} is the largest sum of absolute products, and while it stays below 2^24 a
 * float32 implementation must give the same numbers in whatever order it adds.
 */
final class NaiveLayers {
  /** What a layer leaves: its output and what its backward pass needs. */
  record Forward(double[] input, double[] product, double[] output) {}

  /** The gradients of a layer. */
  record Backward(double[] weight, double[] bias, double[] input) {}

  private double largestSum;

  /** Returns the largest sum of absolute products so far. */
  double largestSum() {
    return largestSum;
  }

  Forward forward(LayerSpec layer, int batch, double[] x, double[] w, double[] b) {
    return switch (layer) {
      case ConvolutionSpec c -> {
        double[] product = new double[batch * c.outChannels() * c.height() * c.width()];
        double[] sizes = new double[product.length];
        eachProduct(
            c,
            batch,
            (out, in, weight) -> {
              product[out] += x[in] * w[weight];
              sizes[out] += Math.abs(x[in] * w[weight]);
            });
        addBiasAndRelu(product, b, c.height() * c.width(), true);
        note(sizes);
        yield new Forward(x, product, pool(c, batch, product));
      }
      case LinearSpec l -> {
        int features = l.inputShape().elements();
        double[] product = new double[batch * l.outFeatures()];
        double[] sizes = new double[product.length];
        for (int i = 0; i < product.length; i++) {
          int row = i / l.outFeatures();
          int out = i % l.outFeatures();
          for (int k = 0; k < features; k++) {
            double term = x[row * features + k] * w[out * features + k];
            product[i] += term;
            sizes[i] += Math.abs(term);
          }
        }
        addBiasAndRelu(product, b, 1, l.relu());
        note(sizes);
        yield new Forward(x, product, product);
      }
    };
  }

  Backward backward(LayerSpec layer, int batch, Forward forward, double[] w, double[] gradient) {
    double[] x = forward.input();
    double[] dx = new double[x.length];
    double[] dw = new double[w.length];
    double[] db = new double[layer.biasShape().elements()];
    double[] sizes = new double[w.length];
    switch (layer) {
      case ConvolutionSpec c -> {
        double[] dy = unpool(c, batch, forward.product(), gradient);
        eachProduct(
            c,
            batch,
            (out, in, weight) -> {
              dx[in] += dy[out] * w[weight];
              dw[weight] += dy[out] * x[in];
              sizes[weight] += Math.abs(dy[out] * x[in]);
            });
        for (int i = 0; i < dy.length; i++) {
          db[i / (c.height() * c.width()) % c.outChannels()] += dy[i];
        }
      }
      case LinearSpec l -> {
        int features = l.inputShape().elements();
        for (int i = 0; i < gradient.length; i++) {
          int row = i / l.outFeatures();
          int out = i % l.outFeatures();
          double dy = l.relu() && forward.output()[i] == 0 ? 0 : gradient[i];
          db[out] += dy;
          for (int k = 0; k < features; k++) {
            dx[row * features + k] += dy * w[out * features + k];
            dw[out * features + k] += dy * x[row * features + k];
            sizes[out * features + k] += Math.abs(dy * x[row * features + k]);
          }
        }
      }
    }
    note(sizes);
    return new Backward(dw, db, dx);
  }

  private void note(double[] sizes) {
    for (double size : sizes) {
      largestSum = Math.max(largestSum, size);
    }
  }

  @FunctionalInterface
  private interface Product {
    void visit(int out, int in, int weight);
  }

  /** Visits every product of a 3x3 convolution with a border of one zero, by flat NCHW indexes. */
  private static void eachProduct(ConvolutionSpec c, int batch, Product product) {
    int height = c.height();
    int width = c.width();
    for (int n = 0; n < batch; n++) {
      for (int o = 0; o < c.outChannels(); o++) {
        for (int i = 0; i < c.inChannels(); i++) {
          for (int h = 0; h < height; h++) {
            for (int v = 0; v < width; v++) {
              for (int k = 0; k < 9; k++) {
                int row = h + k / 3 - 1;
                int column = v + k % 3 - 1;
                if (row >= 0 && row < height && column >= 0 && column < width) {
                  product.visit(
                      ((n * c.outChannels() + o) * height + h) * width + v,
                      ((n * c.inChannels() + i) * height + row) * width + column,
                      (o * c.inChannels() + i) * 9 + k);
                }
              }
            }
          }
        }
      }
    }
  }

  private static void addBiasAndRelu(double[] product, double[] b, int pixels, boolean relu) {
    for (int i = 0; i < product.length; i++) {
      product[i] += b[i / pixels % b.length];
      product[i] = relu && product[i] < 0 ? 0 : product[i];
    }
  }

  private static double[] pool(ConvolutionSpec c, int batch, double[] product) {
    double[] output = new double[batch * c.outputShape().elements()];
    for (int i = 0; i < output.length; i++) {
      output[i] = product[winner(c, i, product)];
    }
    return output;
  }

  private static double[] unpool(
      ConvolutionSpec c, int batch, double[] product, double[] gradient) {
    double[] dy = new double[product.length];
    for (int i = 0; i < gradient.length; i++) {
      int winner = winner(c, i, product);
      dy[winner] = product[winner] > 0 ? gradient[i] : 0;
    }
    return dy;
  }

  /** Returns the index of the largest of the four, the first in row-major order of equals. */
  private static int winner(ConvolutionSpec c, int pooled, double[] product) {
    int half = c.width() / 2;
    int plane = pooled / half / (c.height() / 2);
    int row = pooled / half % (c.height() / 2);
    int first = (plane * c.height() + 2 * row) * c.width() + 2 * (pooled % half);
    int winner = first;
    for (int candidate : new int[] {first + 1, first + c.width(), first + c.width() + 1}) {
      winner = product[candidate] > product[winner] ? candidate : winner;
    }
    return winner;
  }
}
