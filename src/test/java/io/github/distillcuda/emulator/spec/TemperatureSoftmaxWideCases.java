package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelCatalog;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.TemperatureSoftmaxKernels;
import io.github.distillcuda.emulator.spec.TemperatureSoftmaxCases.Family;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The operations of {@link TemperatureSoftmaxCases} by the kernels for rows of any length. */
final class TemperatureSoftmaxWideCases {
  /** Classes of a row of the wide kernels' counts. */
  private static final int COUNTED = 2000;

  /** A class of the first warp of the second block of a cluster, in rows of 1,100 a block. */
  private static final int IN_SECOND_BLOCK = 1200;

  private TemperatureSoftmaxWideCases() {}

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    TemperatureSoftmaxCases.FAMILIES.forEach(family -> addAll(family, cases));
    return cases;
  }

  static Stream<KernelCase> counted() {
    return TemperatureSoftmaxCases.FAMILIES.stream()
        .flatMap(
            family ->
                Stream.of(ElementType.FLOAT32, ElementType.BFLOAT16)
                    .flatMap(type -> wide(family, type).stream())
                    .map(kernel -> family.maker().of(kernel, wideBatch(kernel, 2, COUNTED), 5)));
  }

  private static List<KernelSignature> wide(Family family, ElementType type) {
    return TemperatureSoftmaxKernels.of(family.operation(), type).stream()
        .filter(kernel -> !family.kernels().contains(kernel))
        .toList();
  }

  /** The kernel for a whole vocabulary, on a GPU with clusters. */
  static Stream<KernelCase> ofVocabulary(ElementType type, int classes) {
    return TemperatureSoftmaxCases.FAMILIES.stream()
        .map(
            family -> {
              KernelSignature kernel =
                  KernelCatalog.select(
                      wide(family, type), KernelSizes.of("rows", 1, "classes", classes));
              return family.maker().of(kernel, wideBatch(kernel, 1, classes), 2);
            });
  }

  private static LossBatch wideBatch(KernelSignature kernel, int rows, int classes) {
    return DistillationLossWideCases.random(
        TemperatureSoftmaxCases.typeOf(kernel), rows, classes, classes);
  }

  /** Classes enough for every thread or block to have some, and the usual adversaries. */
  private static void addAll(Family family, List<KernelCase> cases) {
    for (ElementType type : List.of(ElementType.FLOAT32, ElementType.BFLOAT16)) {
      for (KernelSignature kernel : wide(family, type)) {
        boolean isOfCluster = kernel.clusterBlocks() > 1;
        boolean isVariant = isOfCluster || kernel.symbol().contains("_c16384_");
        boolean isStreamed = kernel.symbol().contains("_streamed_");
        int ofBlock = isStreamed ? 9003 : 4003;
        int classes = isOfCluster ? 1100 * kernel.clusterBlocks() + 1 : ofBlock;
        cases.add(family.maker().of(kernel, wideBatch(kernel, isOfCluster ? 1 : 2, classes), 5));
        cases.add(
            family
                .maker()
                .of(kernel, wideBatch(kernel, 3, 1501), 5)
                .shiftedBy(family.inputs().getFirst(), type.bytes())
                .shiftedBy(family.output(), 2 * type.bytes()));
        if (isVariant) { // of the same source as c4096
          if (kernel.symbol().contains("_c131072_")) { // as many classes as it holds
            cases.add(family.maker().of(kernel, wideBatch(kernel, 1, 131_072), 5));
          }
          cases.add(
              family
                  .maker()
                  .of(kernel, wideBatch(kernel, 3, 1501), 5)
                  .inPlace(family.output(), family.inputs().getFirst())
                  .shiftedBy(type.bytes()));
          for (int place : new int[] {DistillationLossWideCases.lastLane(type), IN_SECOND_BLOCK}) {
            LossBatch peaked = LossBatch.peaked(classes, place, 0);
            cases.add(family.maker().of(kernel, DistillationLossWideCases.inType(type, peaked), 5));
          }
          continue;
        }
        int last = classes - 1;
        for (int place :
            new int[] {DistillationLossWideCases.lastLane(type), last - 2, last - 1, last}) {
          LossBatch peaked = LossBatch.peaked(classes, place, 0);
          cases.add(family.maker().of(kernel, DistillationLossWideCases.inType(type, peaked), 5));
        }
        for (float temperature : new float[] {5, 1e-3f}) {
          for (LossBatch batch : List.of(LossBatch.adversarial(1029), LossBatch.notFinite(1029))) {
            cases.add(
                family
                    .maker()
                    .of(kernel, DistillationLossWideCases.inType(type, batch), temperature));
          }
        }
        LossBatch huge = DistillationLossWideCases.inType(type, LossBatch.huge(1025));
        cases.add(family.maker().of(kernel, huge, 1e-3f));
        cases.add(family.maker().of(kernel, wideBatch(kernel, 3, 10), 1));
        for (String input : family.inputs()) {
          cases.add(
              family
                  .maker()
                  .of(kernel, wideBatch(kernel, 3, 1501), 5)
                  .inPlace(family.output(), input)
                  .shiftedBy(type.bytes()));
        }
      }
    }
  }
}
