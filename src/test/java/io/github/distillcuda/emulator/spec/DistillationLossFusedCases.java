package io.github.distillcuda.emulator.spec;

import io.github.distillcuda.cuda.kernels.DistillationLossFusedKernels;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The fused distillation loss. */
final class DistillationLossFusedCases {
  /** Temperature and alpha of the adversarial batches. */
  private static final float[][] SETTINGS = {
    {5, 0.7f}, {1e-3f, 0.7f}, {0.5f, 1}, {1, 0}, {100, 0.3f}, {1000, 0.5f}, {1e6f, 0.9f}
  };

  private DistillationLossFusedCases() {}

  static List<KernelCase> all() {
    List<KernelCase> cases = new ArrayList<>();
    kernels().forEach(kernel -> addAll(kernel, cases));
    return cases;
  }

  static Stream<LargeCase> ofManyRows() {
    return LargeCase.ofEach(kernels(), (kernel, batch) -> of(kernel, batch, 5, 0.7f));
  }

  static Stream<KernelCase> counted() {
    return kernels().stream()
        .flatMap(
            kernel ->
                Stream.concat(Shapes.countedBatches(kernel), Stream.of(Shapes.ladderBatch(kernel)))
                    .map(batch -> of(kernel, batch, 5, 0.7f)));
  }

  private static List<KernelSignature> kernels() {
    return Stream.of(
            DistillationLossFusedKernels.SELECTED,
            List.of(DistillationLossFusedKernels.WARP_A_ROW),
            DistillationLossFusedKernels.FORWARD)
        .flatMap(List::stream)
        .toList();
  }

  private static void addAll(KernelSignature kernel, List<KernelCase> cases) {
    int[] classCounts = Shapes.classesOf(kernel);
    for (int classes : classCounts) {
      for (int rows : Shapes.ROWS) {
        cases.add(of(kernel, LossBatch.random(rows, classes, rows), 5, 0.7f));
      }
    }
    for (int classes : Shapes.classesAroundGroups(kernel)) {
      cases.add(of(kernel, LossBatch.random(3, classes, classes), 2, 0.5f));
    }
    int fewest = classCounts[Math.min(1, classCounts.length - 1)];
    int most = classCounts[classCounts.length - 1];
    cases.add(of(kernel, LossBatch.random(129, Math.min(10, most), 6), 5, 0.7f)); // two blocks
    cases.add(of(kernel, LossBatch.unlabelled(65, Math.min(10, most)), 5, 0.7f));
    for (int classes : new int[] {1, fewest, Math.min(10, most), most}) {
      for (float[] setting : SETTINGS) {
        cases.add(of(kernel, LossBatch.adversarial(classes), setting[0], setting[1]));
        cases.add(of(kernel, LossBatch.notFinite(classes), setting[0], setting[1]));
      }
    }
    cases.add(of(kernel, LossBatch.nearlyShifted(Math.min(10, most)), 1e4f, 0.7f));
    for (float temperature :
        new float[] {1, 0.5f}) { // where exponents of the lowest number overflow
      cases.add(of(kernel, LossBatch.masked(Math.min(10, most)), temperature, 0.7f));
      cases.add(of(kernel, LossBatch.masked(most), temperature, 0.7f));
    }
    // beyond the first class of each of 128 threads
    cases.add(of(kernel, LossBatch.neighboursTie(Math.min(130, most)), 5, 0.7f));
    cases.add(of(kernel, LossBatch.random(65, most, 4), 5, 0.7f).shiftedBy(4));
    if (hasGradient(kernel)) {
      cases.add(of(kernel, LossBatch.random(65, most, 3), 5, 0.7f).inPlace("dz", "z"));
      cases.add(of(kernel, LossBatch.random(65, 10, 5), 2, 0.5f).inPlace("dz", "z").shiftedBy(4));
      cases.add(of(kernel, LossBatch.random(65, most, 3), 5, 0).inPlace("dz", "z"));
    }
  }

  private static boolean hasGradient(KernelSignature kernel) {
    return kernel.pointers().stream().anyMatch(pointer -> pointer.name().equals("dz"));
  }

  /** The loss of a batch; with alpha 0 there is no teacher at all. */
  static KernelCase of(KernelSignature kernel, LossBatch batch, float temperature, float alpha) {
    KernelSizes sizes = KernelSizes.of("rows", batch.rows(), "classes", batch.classes());
    LossExpectation expected = new LossExpectation(batch, temperature, alpha);
    String description = "%s T=%s alpha=%s".formatted(batch.description(), temperature, alpha);
    KernelCase result =
        new KernelCase(kernel, sizes, description)
            .in("z", batch.z())
            .in("labels", batch.labels())
            .in("labelledRows", expected.labelledRows())
            .value("temperature", temperature)
            .value("alpha", alpha)
            .out("distillation", expected.distillation())
            .out("crossEntropy", expected.crossEntropy())
            .out("outcome", Expected.ints(expected.outcomes()));
    if (alpha > 0) {
      result.in("v", batch.v());
    }
    if (hasGradient(kernel)) {
      result.out("dz", expected.gradient());
    }
    return result;
  }
}
