package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels;
import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** Softmax and log-softmax at a temperature, and their backward passes. */
final class TemperatureSoftmaxCases {
  private static final float[] TEMPERATURES = {5, 1, 1e-3f, 1000};

  private TemperatureSoftmaxCases() {}

  /** Makes a case of a batch of logits. */
  interface CaseMaker {
    KernelCase of(KernelSignature kernel, LossBatch batch, float temperature);
  }

  /**
   * The kernels of one operation for all ranges of classes.
   *
   * @param inputs where the output may lie
   */
  record Family(
      Operation operation,
      List<KernelSignature> kernels,
      CaseMaker maker,
      String output,
      List<String> inputs) {}

  static final List<Family> FAMILIES =
      List.of(
          new Family(
              Operation.SOFTMAX,
              TemperatureSoftmaxKernels.SOFTMAX,
              TemperatureSoftmaxCases::softmax,
              "y",
              List.of("x")),
          new Family(
              Operation.LOG_SOFTMAX,
              TemperatureSoftmaxKernels.LOG_SOFTMAX,
              TemperatureSoftmaxCases::logSoftmax,
              "y",
              List.of("x")),
          new Family(
              Operation.SOFTMAX_BACKWARD,
              TemperatureSoftmaxKernels.SOFTMAX_BACKWARD,
              TemperatureSoftmaxCases::softmaxBackward,
              "dx",
              List.of("dy", "y")),
          new Family(
              Operation.LOG_SOFTMAX_BACKWARD,
              TemperatureSoftmaxKernels.LOG_SOFTMAX_BACKWARD,
              TemperatureSoftmaxCases::logSoftmaxBackward,
              "dx",
              List.of("dy", "y")));

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    FAMILIES.forEach(family -> addAll(family, cases));
    return cases;
  }

  static Stream<LargeCase> ofManyRows() {
    return FAMILIES.stream()
        .flatMap(
            family ->
                LargeCase.ofEach(
                    family.kernels, (kernel, batch) -> family.maker.of(kernel, batch, 5)));
  }

  static Stream<KernelCase> counted() {
    return FAMILIES.stream()
        .flatMap(
            family ->
                family.kernels.stream()
                    .flatMap(
                        kernel ->
                            Shapes.countedBatches(kernel)
                                .map(batch -> family.maker.of(kernel, batch, 5))));
  }

  /** A case of an operation by any of its kernels. */
  static KernelCase of(
      Operation operation, KernelSignature kernel, LossBatch batch, float temperature) {
    return FAMILIES.stream()
        .filter(family -> family.operation == operation)
        .findFirst()
        .orElseThrow()
        .maker
        .of(kernel, batch, temperature);
  }

  static ElementType typeOf(KernelSignature kernel) {
    return kernel.pointers().getFirst().element();
  }

  private static void addAll(Family family, List<KernelCase> cases) {
    CaseMaker maker = family.maker;
    for (KernelSignature kernel : family.kernels) {
      int[] classCounts = Shapes.classesOf(kernel);
      for (int classes : classCounts) {
        for (int rows : Shapes.ROWS) {
          cases.add(maker.of(kernel, LossBatch.random(rows, classes, rows), 5));
        }
      }
      for (int classes : Shapes.classesAroundGroups(kernel)) {
        cases.add(maker.of(kernel, LossBatch.random(3, classes, classes), 2));
      }
      int most = classCounts[classCounts.length - 1];
      for (int classes : new int[] {1, 2, 10, most}) {
        for (float temperature : TEMPERATURES) {
          cases.add(maker.of(kernel, LossBatch.adversarial(classes), temperature));
          cases.add(maker.of(kernel, LossBatch.notFinite(classes), temperature));
        }
        cases.add(maker.of(kernel, LossBatch.huge(classes), 1e-3f));
      }
      for (String input : family.inputs) {
        cases.add(maker.of(kernel, LossBatch.random(65, most, 2), 5).inPlace(family.output, input));
      }
      cases.add(maker.of(kernel, LossBatch.random(65, most, 3), 5).shiftedBy(4));
    }
  }

  private static KernelCase caseOf(KernelSignature kernel, LossBatch batch, float temperature) {
    KernelSizes sizes = KernelSizes.of("rows", batch.rows(), "classes", batch.classes());
    return new KernelCase(kernel, sizes, batch.description() + " T=" + temperature)
        .value("temperature", temperature);
  }

  private static SoftmaxExpectation expectation(
      KernelSignature kernel, LossBatch batch, float temperature) {
    return new SoftmaxExpectation(batch, temperature, typeOf(kernel));
  }

  private static KernelCase softmax(KernelSignature kernel, LossBatch batch, float temperature) {
    return forward(kernel, batch, temperature, expectation(kernel, batch, temperature).softmax());
  }

  private static KernelCase logSoftmax(KernelSignature kernel, LossBatch batch, float temperature) {
    return forward(
        kernel, batch, temperature, expectation(kernel, batch, temperature).logSoftmax());
  }

  private static KernelCase forward(
      KernelSignature kernel, LossBatch batch, float temperature, Expected y) {
    return caseOf(kernel, batch, temperature)
        .in("x", DistillationLossWideCases.bytes(typeOf(kernel), batch.z()))
        .out("y", y);
  }

  private static KernelCase softmaxBackward(
      KernelSignature kernel, LossBatch batch, float temperature) {
    SoftmaxExpectation expectation = expectation(kernel, batch, temperature);
    float[] y = inType(kernel, expectation.probabilities());
    float[] dy = inType(kernel, gradients(batch));
    return backward(kernel, batch, temperature, y, dy, expectation.softmaxGradient(y, dy));
  }

  private static KernelCase logSoftmaxBackward(
      KernelSignature kernel, LossBatch batch, float temperature) {
    SoftmaxExpectation expectation = expectation(kernel, batch, temperature);
    float[] y = inType(kernel, expectation.logProbabilities());
    float[] dy = inType(kernel, gradients(batch));
    return backward(kernel, batch, temperature, y, dy, expectation.logSoftmaxGradient(y, dy));
  }

  private static KernelCase backward(
      KernelSignature kernel,
      LossBatch batch,
      float temperature,
      float[] y,
      float[] dy,
      Expected dx) {
    return caseOf(kernel, batch, temperature)
        .in("y", DistillationLossWideCases.bytes(typeOf(kernel), y))
        .in("dy", DistillationLossWideCases.bytes(typeOf(kernel), dy))
        .out("dx", dx);
  }

  private static float[] inType(KernelSignature kernel, float[] values) {
    return typeOf(kernel) == ElementType.FLOAT32
        ? values
        : DistillationLossWideCases.rounded(values);
  }

  private static float[] gradients(LossBatch batch) {
    Random random = new Random(9);
    float[] gradients = new float[batch.z().length];
    for (int i = 0; i < gradients.length; i++) {
      gradients[i] = (float) random.nextGaussian();
    }
    return gradients;
  }
}
