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
final class SoftmaxCases {
  private static final float[] TEMPERATURES = {5, 1, 1e-3f, 1000};

  /** Classes of a row of the wide kernels' counts. */
  private static final int COUNTED = 2000;

  /** A class of the first warp of the second block of a cluster, in rows of 1,100 a block. */
  private static final int IN_SECOND_BLOCK = 1200;

  private SoftmaxCases() {}

  /** Makes a case of a batch of logits. */
  private interface CaseMaker {
    KernelCase of(KernelSignature kernel, LossBatch batch, float temperature);
  }

  /**
   * The kernels of one operation for all ranges of classes.
   *
   * @param inputs where the output may lie
   */
  private record Family(
      Operation operation,
      List<KernelSignature> kernels,
      CaseMaker maker,
      String output,
      List<String> inputs) {
    /** Those for rows of any length. */
    List<KernelSignature> wide(ElementType type) {
      return TemperatureSoftmaxKernels.of(operation, type).stream()
          .filter(kernel -> !kernels.contains(kernel))
          .toList();
    }
  }

  private static final List<Family> FAMILIES =
      List.of(
          new Family(
              Operation.SOFTMAX,
              TemperatureSoftmaxKernels.SOFTMAX,
              SoftmaxCases::softmax,
              "y",
              List.of("x")),
          new Family(
              Operation.LOG_SOFTMAX,
              TemperatureSoftmaxKernels.LOG_SOFTMAX,
              SoftmaxCases::logSoftmax,
              "y",
              List.of("x")),
          new Family(
              Operation.SOFTMAX_BACKWARD,
              TemperatureSoftmaxKernels.SOFTMAX_BACKWARD,
              SoftmaxCases::softmaxBackward,
              "dx",
              List.of("dy", "y")),
          new Family(
              Operation.LOG_SOFTMAX_BACKWARD,
              TemperatureSoftmaxKernels.LOG_SOFTMAX_BACKWARD,
              SoftmaxCases::logSoftmaxBackward,
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
                Stream.concat(
                    family.kernels.stream()
                        .flatMap(
                            kernel ->
                                Shapes.countedBatches(kernel)
                                    .map(batch -> family.maker.of(kernel, batch, 5))),
                    Stream.of(ElementType.FLOAT32, ElementType.BFLOAT16)
                        .flatMap(type -> family.wide(type).stream())
                        .map(kernel -> family.maker.of(kernel, wideBatch(kernel, 2, COUNTED), 5))));
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

  /** The kernel for a whole vocabulary, on a GPU with clusters. */
  static Stream<KernelCase> ofVocabulary(ElementType type, int classes) {
    return FAMILIES.stream()
        .map(
            family -> {
              KernelSignature kernel =
                  family.wide(type).stream()
                      .filter(one -> one.accepts(KernelSizes.of("rows", 1, "classes", classes)))
                      .findFirst()
                      .orElseThrow();
              return family.maker.of(kernel, wideBatch(kernel, 1, classes), 2);
            });
  }

  private static LossBatch wideBatch(KernelSignature kernel, int rows, int classes) {
    return WideLossCases.random(typeOf(kernel), rows, classes, classes);
  }

  private static ElementType typeOf(KernelSignature kernel) {
    return kernel.pointers().getFirst().element();
  }

  /** Classes enough for every thread or block to have some, and the usual adversaries. */
  private static void addWide(Family family, List<KernelCase> cases) {
    for (ElementType type : List.of(ElementType.FLOAT32, ElementType.BFLOAT16)) {
      for (KernelSignature kernel : family.wide(type)) {
        boolean isOfCluster = kernel.clusterBlocks() > 1;
        boolean isVariant = isOfCluster || kernel.symbol().contains("_c16384_");
        boolean isStreamed = kernel.symbol().contains("_streamed_");
        int ofBlock = isStreamed ? 9003 : 4003;
        int classes = isOfCluster ? 1100 * kernel.clusterBlocks() + 1 : ofBlock;
        cases.add(family.maker.of(kernel, wideBatch(kernel, isOfCluster ? 1 : 2, classes), 5));
        cases.add(
            family
                .maker
                .of(kernel, wideBatch(kernel, 3, 1501), 5)
                .shiftedBy(family.inputs.getFirst(), type.bytes())
                .shiftedBy(family.output, 2 * type.bytes()));
        if (isVariant) { // of the same source as c4096
          if (kernel.symbol().contains("_c131072_")) { // as many classes as it holds
            cases.add(family.maker.of(kernel, wideBatch(kernel, 1, 131_072), 5));
          }
          cases.add(
              family
                  .maker
                  .of(kernel, wideBatch(kernel, 3, 1501), 5)
                  .inPlace(family.output, family.inputs.getFirst())
                  .shiftedBy(type.bytes()));
          for (int place : new int[] {WideLossCases.lastLane(type), IN_SECOND_BLOCK}) {
            LossBatch peaked = LossBatch.peaked(classes, place, 0);
            cases.add(family.maker.of(kernel, WideLossCases.inType(type, peaked), 5));
          }
          continue;
        }
        int last = classes - 1;
        for (int place : new int[] {WideLossCases.lastLane(type), last - 2, last - 1, last}) {
          LossBatch peaked = LossBatch.peaked(classes, place, 0);
          cases.add(family.maker.of(kernel, WideLossCases.inType(type, peaked), 5));
        }
        for (float temperature : new float[] {5, 1e-3f}) {
          for (LossBatch batch : List.of(LossBatch.adversarial(1029), LossBatch.notFinite(1029))) {
            cases.add(family.maker.of(kernel, WideLossCases.inType(type, batch), temperature));
          }
        }
        LossBatch huge = WideLossCases.inType(type, LossBatch.huge(1025));
        cases.add(family.maker.of(kernel, huge, 1e-3f));
        cases.add(family.maker.of(kernel, wideBatch(kernel, 3, 10), 1));
        for (String input : family.inputs) {
          cases.add(
              family
                  .maker
                  .of(kernel, wideBatch(kernel, 3, 1501), 5)
                  .inPlace(family.output, input)
                  .shiftedBy(type.bytes()));
        }
      }
    }
  }

  private static void addAll(Family family, List<KernelCase> cases) {
    CaseMaker maker = family.maker;
    addWide(family, cases);
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
        .in("x", WideLossCases.bytes(typeOf(kernel), batch.z()))
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
        .in("y", WideLossCases.bytes(typeOf(kernel), y))
        .in("dy", WideLossCases.bytes(typeOf(kernel), dy))
        .out("dx", dx);
  }

  private static float[] inType(KernelSignature kernel, float[] values) {
    return typeOf(kernel) == ElementType.FLOAT32 ? values : WideLossCases.rounded(values);
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
