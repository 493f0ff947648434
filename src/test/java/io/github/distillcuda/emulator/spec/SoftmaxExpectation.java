package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.ElementType;
import java.util.function.UnaryOperator;

/** What softmax and log-softmax of a batch must be, with their gradients, and how near. */
final class SoftmaxExpectation {
  private final LossBatch batch;
  private final double temperature;
  private final ElementType type;

  /**
   * What follows from the student's logits of a batch.
   *
   * @param type of the results
   */
  SoftmaxExpectation(LossBatch batch, float temperature, ElementType type) {
    this.batch = batch;
    this.temperature = temperature;
    this.type = type;
  }

  /** Works out a row of the result, with the tolerance of each element. */
  private interface RowFunction {
    void apply(int row, double[] exact, double[] tolerance);
  }

  private Expected byRow(RowFunction function) {
    int classes = batch.classes();
    double[] exact = new double[batch.z().length];
    double[] tolerance = new double[exact.length];
    for (int row = 0; row < batch.rows(); row++) {
      double[] exactRow = new double[classes];
      double[] toleranceRow = new double[classes];
      function.apply(row, exactRow, toleranceRow);
      System.arraycopy(exactRow, 0, exact, row * classes, classes);
      System.arraycopy(toleranceRow, 0, tolerance, row * classes, classes);
    }
    return DistillationLossWideCases.near(type, exact, tolerance);
  }

  private double[] row(float[] matrix, int row) {
    double[] x = new double[batch.classes()];
    for (int c = 0; c < x.length; c++) {
      x[c] = matrix[row * x.length + c];
    }
    return x;
  }

  /**
   * 2e-6 relative, and the rounding of 1/T and of (x - max)/T: half a unit in the last place each
   * of an exponent, which is a relative error of the result.
   */
  Expected softmax() {
    return byRow(
        (row, exact, tolerance) -> {
          double[] x = row(batch.z(), row);
          double[] p = LossRow.softmax(x, temperature);
          double max = LossRow.max(x);
          for (int c = 0; c < x.length; c++) {
            exact[c] = p[c];
            double exponent = Math.abs(x[c] - max) / temperature;
            tolerance[c] = relative(p[c], exponent);
          }
        });
  }

  private static double relative(double p, double exponent) {
    double error = p == 0 ? 0 : p * (2e-6 + exponent * 0x1p-22);
    return error + Float.MIN_NORMAL; // what underflows may be 0
  }

  /** 2e-6 absolute, scaled with the largest finite distance from the maximum. */
  Expected logSoftmax() {
    return byRow(
        (row, exact, tolerance) -> {
          double[] logP = logSoftmax(row(batch.z(), row));
          double range = 0;
          for (double value : logP) {
            range = Double.isFinite(value) ? Math.max(range, -value) : range;
          }
          for (int c = 0; c < logP.length; c++) {
            exact[c] = logP[c];
            tolerance[c] = 2e-6 * (1 + range);
          }
        });
  }

  private double[] logSoftmax(double[] x) {
    double max = LossRow.max(x);
    double sum = 0;
    for (double value : x) {
      sum += Math.exp((value - max) / temperature);
    }
    double logSum = LossRow.isUndefined(x) ? Double.NaN : Math.log(sum);
    double[] logP = new double[x.length];
    for (int c = 0; c < x.length; c++) {
      logP[c] = (x[c] - max) / temperature - logSum;
    }
    return logP;
  }

  /** Returns what the kernel of the softmax would have left, to the nearest float. */
  float[] probabilities() {
    return forward(x -> LossRow.softmax(x, temperature));
  }

  /** Returns what the kernel of the log-softmax would have left, to the nearest float. */
  float[] logProbabilities() {
    return forward(this::logSoftmax);
  }

  private float[] forward(UnaryOperator<double[]> function) {
    float[] outputs = new float[batch.z().length];
    for (int row = 0; row < batch.rows(); row++) {
      double[] y = function.apply(row(batch.z(), row));
      for (int c = 0; c < y.length; c++) {
        outputs[row * y.length + c] = (float) y[c];
      }
    }
    return outputs;
  }

  /**
   * Each product and sum rounds relative to what it adds: 1e-6 of the sum of magnitudes.
   *
   * @param ys the forward pass's results, as the kernel reads them
   * @param dys the gradient of those
   */
  Expected softmaxGradient(float[] ys, float[] dys) {
    return byRow(
        (row, exact, tolerance) -> {
          double[] y = row(ys, row);
          double[] dy = row(dys, row);
          double sum = 0;
          double magnitude = 0;
          for (int c = 0; c < y.length; c++) {
            sum += dy[c] * y[c];
            magnitude += Math.abs(dy[c] * y[c]);
          }
          for (int c = 0; c < y.length; c++) {
            exact[c] = y[c] * (dy[c] - sum) / temperature;
            double terms = Math.abs(y[c]) * (Math.abs(dy[c]) + magnitude);
            tolerance[c] = 1e-6 * terms / temperature + Float.MIN_NORMAL;
          }
        });
  }

  /** As above; exp(y) is good to 2e-6 and the rounding of its exponent is none, y is exact. */
  Expected logSoftmaxGradient(float[] ys, float[] dys) {
    return byRow(
        (row, exact, tolerance) -> {
          double[] y = row(ys, row);
          double[] dy = row(dys, row);
          double sum = 0;
          double magnitude = 0;
          for (double gradient : dy) {
            sum += gradient;
            magnitude += Math.abs(gradient);
          }
          for (int c = 0; c < y.length; c++) {
            double p = Math.exp(y[c]);
            exact[c] = (dy[c] - p * sum) / temperature;
            double terms = 1e-6 * Math.abs(dy[c]) + 3e-6 * p * magnitude;
            tolerance[c] = terms / temperature + Float.MIN_NORMAL;
          }
        });
  }
}
