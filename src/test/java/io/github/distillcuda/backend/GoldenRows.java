package io.github.distillcuda.backend;

import com.google.gson.JsonObject;
import java.util.Arrays;

/**
 * The single rows of the loss in the golden files: 300 everyday ones with PyTorch's results, then
 * extreme temperatures, logits and numbers of classes with results in 60 digits.
 */
final class GoldenRows {
  private final JsonObject seeds = Golden.section("lossRows").getAsJsonObject("seeds");
  private final double[] classes = Golden.doubles("lossRows.classes");
  private final double[] labels = Golden.doubles("lossRows.label");
  private final double[] temperatures = Golden.doubles("lossRows.temperature");
  private final double[] alphas = Golden.doubles("lossRows.alpha");
  private final double[] spreads = Golden.doubles("lossRows.spread");
  private final double[] nearness = Golden.doubles("lossRows.nearness");
  private final double[] distillation = Golden.doubles("lossRows.distillation");
  private final double[] crossEntropy = Golden.doubles("lossRows.crossEntropy");
  private final double[] loss = Golden.doubles("lossRows.loss");
  private final double[] gradientScales = Golden.doubles("lossRows.gradientScale");
  private final double[] gradients = Golden.doubles("lossRows.gradient");

  int count() {
    return classes.length;
  }

  LossSpec spec(int row) {
    return new LossSpec(temperatures[row], alphas[row]);
  }

  int label(int row) {
    return (int) labels[row];
  }

  float[] teacher(int row) {
    return GoldenHash.symmetric(
        seeds.get("teacher").getAsLong() + row, (int) classes[row], spreads[row]);
  }

  /**
   * Returns independent logits, or the teacher's with a little noise where the row has nearness.
   */
  float[] student(int row) {
    boolean near = nearness[row] > 0;
    float[] logits =
        GoldenHash.symmetric(
            seeds.get("student").getAsLong() + row,
            (int) classes[row],
            near ? nearness[row] : spreads[row]);
    if (near) {
      float[] teacher = teacher(row);
      for (int c = 0; c < logits.length; c++) {
        logits[c] += teacher[c];
      }
    }
    return logits;
  }

  /** Returns T^2*KL, cross-entropy and loss. */
  double[] sums(int row) {
    return new double[] {distillation[row], crossEntropy[row], loss[row]};
  }

  double[] gradient(int row) {
    int start = (int) Arrays.stream(classes, 0, row).sum();
    return Arrays.copyOfRange(gradients, start, start + (int) classes[row]);
  }

  /** Returns the sum of the largest elements of the gradient's two parts. */
  double gradientScale(int row) {
    return gradientScales[row];
  }
}
