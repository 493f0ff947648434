package io.github.distillcuda.backend.reference;

import static io.github.distillcuda.backend.ConvolutionSpec.KERNEL;

import io.github.distillcuda.backend.ConvolutionSpec;
import java.util.Arrays;

/**
 * A 3x3 convolution with padding 1, bias, ReLU and 2x2 max-pool:
 *
 * <pre>
 * a[n,o,y,x] = b[o] + sum over i, ky, kx of w[o,i,ky,kx] * in[n,i,y+ky-1,x+kx-1]
 * out[n,o,y,x] = max of relu(a) over rows 2y, 2y+1 and columns 2x, 2x+1
 * </pre>
 *
 * <p>The input is copied into planes with a border of zeros. One tap of the filter then meets a
 * whole plane: it reads the padded plane from (ky, kx) on, and no index leaves it.
 */
final class ConvolutionPass extends ReferencePass {
  private final int rows;
  private final int inChannels;
  private final int outChannels;
  private final int height;
  private final int width;
  private final int paddedWidth;
  private final int paddedPlane;

  /** The input with its border, [N, inChannels, height+2, width+2]. */
  private final double[] padded;

  /** Its gradient, of the same shape. */
  private final double[] paddedGradient;

  /** One image's a of one output channel, or its gradient, [height, width]. */
  private final double[] plane;

  /** A pooling window's four elements from its first corner on, in row-major order. */
  private final int[] window;

  /** Where in its plane each output came from; its gradient goes there. */
  private final int[] winners;

  ConvolutionPass(
      ConvolutionSpec spec, LayerParameters parameters, ReferenceTensor input, boolean training) {
    super(spec, parameters, input, training);
    rows = input.shape().extent(0);
    inChannels = spec.inChannels();
    outChannels = spec.outChannels();
    height = spec.height();
    width = spec.width();
    paddedWidth = width + 2;
    paddedPlane = (height + 2) * paddedWidth;
    padded = new double[rows * inChannels * paddedPlane];
    paddedGradient = new double[training ? padded.length : 0];
    plane = new double[height * width];
    window = new int[] {0, 1, width, width + 1};
    winners = new int[output.elements()];
  }

  @Override
  void forward() {
    pad();
    for (int n = 0; n < rows; n++) {
      for (int o = 0; o < outChannels; o++) {
        Arrays.fill(plane, parameters.bias().get(o));
        for (int i = 0; i < inChannels; i++) {
          for (int ky = 0; ky < KERNEL; ky++) {
            for (int kx = 0; kx < KERNEL; kx++) {
              double weight = parameters.weight().get(weightIndex(o, i, ky, kx));
              addTap(weight, paddedIndex(n, i, ky, kx));
            }
          }
        }
        pool(n * outChannels + o);
      }
    }
  }

  @Override
  void backward(ReferenceTensor outputGradient, ReferenceTensor inputGradient) {
    parameters.weightGradient().fill(0);
    parameters.biasGradient().fill(0);
    Arrays.fill(paddedGradient, 0);
    for (int n = 0; n < rows; n++) {
      for (int o = 0; o < outChannels; o++) {
        unpool(n * outChannels + o, outputGradient);
        for (double gradient : plane) {
          parameters.biasGradient().add(o, gradient);
        }
        for (int i = 0; i < inChannels; i++) {
          for (int ky = 0; ky < KERNEL; ky++) {
            for (int kx = 0; kx < KERNEL; kx++) {
              int weight = weightIndex(o, i, ky, kx);
              int start = paddedIndex(n, i, ky, kx);
              parameters.weightGradient().add(weight, dotTap(start));
              if (inputGradient != null) {
                addTapGradient(parameters.weight().get(weight), start);
              }
            }
          }
        }
      }
    }
    if (inputGradient != null) {
      unpad(inputGradient);
    }
  }

  /** Adds one tap of the filter to the plane. */
  private void addTap(double weight, int start) {
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        plane[y * width + x] += weight * padded[start + y * paddedWidth + x];
      }
    }
  }

  /** Returns the gradient of one tap's weight from one plane of gradients. */
  private double dotTap(int start) {
    double sum = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        sum += plane[y * width + x] * padded[start + y * paddedWidth + x];
      }
    }
    return sum;
  }

  /** Adds what one tap passes back to the gradient of the padded input. */
  private void addTapGradient(double weight, int start) {
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        paddedGradient[start + y * paddedWidth + x] += weight * plane[y * width + x];
      }
    }
  }

  /** Writes one plane of outputs. The first of equals wins, and NaN wins over every number. */
  private void pool(int outputPlane) {
    int index = outputPlane * (height / 2) * (width / 2);
    for (int y = 0; y < height; y += 2) {
      for (int x = 0; x < width; x += 2) {
        int winner = y * width + x;
        for (int offset : window) {
          int candidate = y * width + x + offset;
          double value = relu(plane[candidate]);
          if (value > relu(plane[winner]) || Double.isNaN(value)) {
            winner = candidate;
          }
        }
        winners[index] = winner;
        output.set(index, relu(plane[winner]));
        index++;
      }
    }
  }

  /**
   * Overwrites the plane with the gradient of a: each output's goes to its winner, through ReLU.
   */
  private void unpool(int outputPlane, ReferenceTensor outputGradient) {
    Arrays.fill(plane, 0);
    int outputs = (height / 2) * (width / 2);
    for (int index = outputPlane * outputs; index < (outputPlane + 1) * outputs; index++) {
      plane[winners[index]] = reluGradient(output.get(index), outputGradient.get(index));
    }
  }

  private void pad() {
    for (int p = 0; p < rows * inChannels; p++) {
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          padded[p * paddedPlane + (y + 1) * paddedWidth + x + 1] =
              input.get((p * height + y) * width + x);
        }
      }
    }
  }

  private void unpad(ReferenceTensor inputGradient) {
    for (int p = 0; p < rows * inChannels; p++) {
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          inputGradient.set(
              (p * height + y) * width + x,
              paddedGradient[p * paddedPlane + (y + 1) * paddedWidth + x + 1]);
        }
      }
    }
  }

  private int weightIndex(int o, int i, int ky, int kx) {
    return ((o * inChannels + i) * KERNEL + ky) * KERNEL + kx;
  }

  /** Returns where a tap starts to read the padded plane of image n, channel i. */
  private int paddedIndex(int n, int i, int ky, int kx) {
    return (n * inChannels + i) * paddedPlane + ky * paddedWidth + kx;
  }
}
