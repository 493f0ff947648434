package io.github.distillcuda.bench;

import io.github.distillcuda.cuda.kernels.ElementType;
import io.github.distillcuda.cuda.kernels.KernelSignature;
import io.github.distillcuda.cuda.kernels.KernelSizes;
import io.github.distillcuda.cuda.kernels.LossChains;
import io.github.distillcuda.cuda.kernels.ReductionKernels;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The distillation loss with its gradient in the three forms of {@link LossChains}. */
final class LossWorkloads {
  static final double TEMPERATURE = 5;
  static final double ALPHA = 0.7;

  /** What the rows of the three forms are of. */
  static final String OPERATION = "distillation loss + gradient";

  private LossWorkloads() {}

  /** The three forms; the floor of all is that of the fused one. */
  static List<Workload> all(int rows, int classes) {
    return all(ElementType.FLOAT32, rows, classes);
  }

  /** The same of a type; the floor is that of the type. */
  static List<Workload> all(ElementType type, int rows, int classes) {
    return List.of(
        fused(type, rows, classes), formulas(type, rows, classes), eager(type, rows, classes));
  }

  static Workload fused(ElementType type, int rows, int classes) {
    LossChains.Loss loss = loss(type, rows, classes);
    return workload("fused", loss, LossChains.fused(loss, selected(loss)));
  }

  /** As {@code CudaDistillationLoss} launches it: in a step the gather has counted the labels. */
  static Workload fusedAndCounted(int rows, int classes) {
    LossChains.Loss loss = loss(ElementType.FLOAT32, rows, classes);
    List<LossChains.Launch> launches = new ArrayList<>(LossChains.fused(loss, selected(loss)));
    launches.addFirst(
        new LossChains.Launch(
            "labelled rows", ReductionKernels.COUNT_LABELLED, sizes(loss), Map.of(), Map.of()));
    return workload("fused and counted", loss, launches);
  }

  static Workload formulas(ElementType type, int rows, int classes) {
    LossChains.Loss loss = loss(type, rows, classes);
    return workload("formulas", loss, LossChains.formulas(loss));
  }

  static Workload eager(ElementType type, int rows, int classes) {
    LossChains.Loss loss = loss(type, rows, classes);
    return workload("eager chain", loss, LossChains.eager(loss));
  }

  private static LossChains.Loss loss(ElementType type, int rows, int classes) {
    return new LossChains.Loss(type, rows, classes, TEMPERATURE, ALPHA);
  }

  private static KernelSignature selected(LossChains.Loss loss) {
    return KernelMatrix.selected(loss.type(), sizes(loss));
  }

  private static KernelSizes sizes(LossChains.Loss loss) {
    return KernelSizes.of("rows", loss.rows(), "classes", loss.classes());
  }

  private static Workload workload(
      String variant, LossChains.Loss loss, List<LossChains.Launch> chain) {
    List<Workload.Step> steps =
        chain.stream()
            .map(
                launch ->
                    new Workload.Step(
                        launch.kernel(), launch.sizes(), launch.arrays(), launch.numbers()))
            .toList();
    return new Workload(OPERATION, variant, steps, selected(loss).floorBytes(sizes(loss)));
  }
}
