package io.github.distillcuda.emulator.spec;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.emulator.machine.Approximation;
import io.github.distillcuda.emulator.machine.ExecutionOrder;
import io.github.distillcuda.emulator.memory.HostBytes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * The largest errors of the loss of a vocabulary by temperature: the table of {@code
 * kernels/README.md}, whose rows this test measures. One that differs is in its message, to be put
 * there.
 */
class WideErrorTest {
  private static final int CLASSES = 32_768;
  private static final float[] TEMPERATURES = {1e-3f, 0.5f, 1, 2, 5, 10, 20, 100, 1000, 1e6f};
  private static final float SCALE = 3;

  /** How far student and teacher are apart in the second row. */
  private static final float CLOSE = 0.1f;

  private static final int INDEPENDENT_ROW = 0;
  private static final int CLOSE_ROW = 1;

  /** Errors of a row relative to the exact terms, and to the gradient's largest element. */
  private static final class Errors {
    private double distillation;
    private double crossEntropy;
    private double gradient;

    /** Takes the larger ones of these and of the terms of a row of a launch. */
    void addTerms(LossBatch batch, int row, float temperature, Map<String, byte[]> outputs) {
      LossRow exact = new LossRow(batch.z(), batch.v(), row, CLASSES, temperature);
      int label = batch.labels()[row];
      distillation =
          Math.max(distillation, relative(outputs.get("distillation"), row, exact.distillation()));
      crossEntropy =
          Math.max(
              crossEntropy, relative(outputs.get("crossEntropy"), row, exact.crossEntropy(label)));
    }

    /** The same of the gradient, of a launch that had the distillation term alone. */
    void addGradient(LossBatch batch, int row, float temperature, Map<String, byte[]> outputs) {
      LossRow exact = new LossRow(batch.z(), batch.v(), row, CLASSES, temperature);
      double[] soft = exact.distillationGradient();
      byte[] bytes = outputs.get("dz");
      float[] dz =
          bytes.length == batch.z().length * Float.BYTES
              ? HostBytes.toFloats(bytes)
              : HostBytes.bfloat16ToFloats(bytes);
      double largest = 0;
      double error = 0;
      for (int c = 0; c < CLASSES; c++) {
        double element = soft[c] / batch.rows();
        largest = Math.max(largest, Math.abs(element));
        error = Math.max(error, Math.abs(dz[row * CLASSES + c] - element));
      }
      gradient = Math.max(gradient, error == 0 ? 0 : error / largest);
    }

    /** Where both rows are saturated at the same class the exact term is 0, and so is ours. */
    private static double relative(byte[] values, int row, double exact) {
      double difference = Math.abs(HostBytes.toFloats(values)[row] - exact);
      return difference == 0 ? 0 : difference / exact;
    }
  }

  /** Independent logits, and a student who is close to its teacher. */
  private static LossBatch batch(ElementType type) {
    Random random = new Random(1);
    float[] z = new float[2 * CLASSES];
    float[] v = new float[2 * CLASSES];
    for (int i = 0; i < z.length; i++) {
      v[i] = SCALE * (float) random.nextGaussian();
      float other = (float) random.nextGaussian();
      z[i] = i < CLASSES ? SCALE * other : v[i] + CLOSE * other;
    }
    return DistillationLossWideCases.inType(
        type, new LossBatch("two kinds", z, v, new int[] {17, CLASSES - 1}, 2, CLASSES));
  }

  @Test
  void theTableOfErrorsIsMeasured() throws Exception {
    List<String> rows = new ArrayList<>();
    for (ElementType type : List.of(ElementType.FLOAT32, ElementType.BFLOAT16)) {
      for (float temperature : TEMPERATURES) {
        rows.add(measure(type, temperature));
      }
    }
    assertThat(Files.readString(Path.of("kernels", "README.md"))).contains(String.join("\n", rows));
  }

  /** By a cluster and streamed, at both ends of what the approximate instructions may return. */
  private static String measure(ElementType type, float temperature) {
    LossBatch batch = batch(type);
    Errors independent = new Errors();
    Errors close = new Errors();
    for (String range : List.of("c32768", "streamed")) {
      KernelSignature kernel = DistillationLossWideCases.kernel(type, range);
      for (Approximation approximation : List.of(Approximation.LOWER, Approximation.UPPER)) {
        Map<String, byte[]> both = run(kernel, batch, temperature, 0.5f, approximation);
        independent.addTerms(batch, INDEPENDENT_ROW, temperature, both);
        close.addTerms(batch, CLOSE_ROW, temperature, both);
        Map<String, byte[]> soft = run(kernel, batch, temperature, 1, approximation);
        independent.addGradient(batch, INDEPENDENT_ROW, temperature, soft);
        close.addGradient(batch, CLOSE_ROW, temperature, soft);
      }
    }
    return String.format(
        Locale.ROOT,
        "| %s | %s | %.0e | %.0e | %.0e | %.0e | %.0e |",
        type == ElementType.FLOAT32 ? "float32" : "bfloat16",
        temperature == (int) temperature ? "" + (int) temperature : "" + temperature,
        independent.distillation,
        independent.crossEntropy,
        independent.gradient,
        close.distillation,
        close.gradient);
  }

  private static Map<String, byte[]> run(
      KernelSignature kernel,
      LossBatch batch,
      float temperature,
      float alpha,
      Approximation approximation) {
    KernelCase rows = DistillationLossWideCases.of(kernel, batch, temperature, alpha);
    return CaseRunner.run(rows, ShippedPtx.kernel(kernel), approximation, ExecutionOrder.FORWARD)
        .outputs();
  }
}
